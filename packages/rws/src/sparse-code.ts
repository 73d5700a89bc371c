import type { BitReader, BitWriter } from './bit-stream.ts';

/**
 * Appends 32-bit words most of which are 0: how many are not; if any, the orders of two exponential Golomb codes (5 bits each), then for
 * each word that is not 0 the number of zeros before it and the word − 1. The count is coded with order 16.
 */
export function writeSparse(writer: BitWriter, words: Uint32Array): void {
  let count = 0;
  let gapBits = 0;
  let wordBits = 0;
  let last = -1;
  for (let i = 0; i < words.length; i++) {
    if (words[i] === 0) continue;
    gapBits += 32 - Math.clz32(i - last - 1);
    wordBits += 32 - Math.clz32(words[i]! - 1);
    last = i;
    count++;
  }
  writer.writeGolomb(count, 16);
  if (count === 0) return;
  const gapOrder = orderFor(gapBits / count);
  const wordOrder = orderFor(wordBits / count);
  writer.write(gapOrder, 5);
  writer.write(wordOrder, 5);
  last = -1;
  for (let i = 0; i < words.length; i++) {
    if (words[i] === 0) continue;
    writer.writeGolomb(i - last - 1, gapOrder);
    writer.writeGolomb(words[i]! - 1, wordOrder);
    last = i;
  }
}

/** Orders near the mean length suit both geometric and scattered values; any order is valid. */
const orderFor = (meanBits: number): number => Math.max(0, Math.round(meanBits) - 1);

/** Fills `words`, which are all 0, with what `writeSparse` wrote; false when the code is none for so many words. */
export function readSparse(reader: BitReader, words: Uint32Array): boolean {
  const count = reader.readGolomb(16);
  if (count === undefined || count > words.length) return false;
  if (count === 0) return true;
  const gapOrder = reader.read(5);
  const wordOrder = reader.read(5);
  let at = -1;
  for (let i = 0; i < count; i++) {
    const gap = reader.readGolomb(gapOrder);
    const word = reader.readGolomb(wordOrder);
    if (gap === undefined || word === undefined || word === 2 ** 32 - 1) return false;
    at += gap + 1;
    if (at >= words.length) return false;
    words[at] = word + 1;
  }
  return true;
}
