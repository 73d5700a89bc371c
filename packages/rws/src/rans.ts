/*
 * Entropy coding of one stream of codes: rANS (Duda, 2013) with one static table of frequencies, which stands in front.
 *
 * The layout is FORMAT.md's: the frequencies, then the decoder's first state as little-endian uint32, then its bytes. Decoding ends in the state that encoding started from with no byte left, so a stream has one
 * encoding for one table, and damage hardly goes unnoticed.
 */

const tableBits = 12;
const tableSize = 1 << tableBits;
/** States lie in [lowest, 256 · lowest). */
const lowest = 1 << 23;

/** The stream's bytes; deterministic. `codes` holds at least one and none of `symbols` (at most 256) or more. */
export function encodeRans(codes: Uint8Array, symbols: number): Uint8Array {
  const frequencies = normalized(codes, symbols);
  const starts = startsOf(frequencies);
  // At most 12 bits a code, written from the end, since decoding runs backwards.
  const table = tableBytes(frequencies);
  const bytes = new Uint8Array(table.length + 4 + Math.ceil((codes.length * tableBits) / 8) + 8);
  let at = bytes.length;
  let state = lowest;
  for (let i = codes.length - 1; i >= 0; i--) {
    const code = codes[i]!;
    const frequency = frequencies[code]!;
    const limit = (lowest >>> tableBits) * 256 * frequency;
    while (state >= limit) {
      bytes[--at] = state;
      state >>>= 8;
    }
    const times = Math.floor(state / frequency);
    state = times * tableSize + (state - times * frequency) + starts[code]!;
  }
  new DataView(bytes.buffer).setUint32(at - 4, state, true);
  bytes.set(table, at - 4 - table.length);
  return bytes.slice(at - 4 - table.length);
}

/** `count` codes; undefined for bytes that `encodeRans` cannot have made of so many. */
export function decodeRans(bytes: Uint8Array, symbols: number, count: number): Uint8Array | undefined {
  const table = readTable(bytes, symbols);
  if (table === undefined || bytes.length < table.length + 4) return undefined;
  const { frequencies } = table;
  const starts = startsOf(frequencies);
  const symbolAt = new Uint8Array(tableSize);
  for (let symbol = 0; symbol < symbols; symbol++) {
    symbolAt.fill(symbol, starts[symbol], starts[symbol]! + frequencies[symbol]!);
  }
  let at = table.length + 4;
  let state = new DataView(bytes.buffer, bytes.byteOffset).getUint32(table.length, true);
  if (state < lowest || state >= 256 * lowest) return undefined;
  const codes = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const slot = state & (tableSize - 1);
    const code = symbolAt[slot]!;
    codes[i] = code;
    state = frequencies[code]! * (state >>> tableBits) + slot - starts[code]!;
    while (state < lowest) {
      if (at >= bytes.length) return undefined;
      state = (state << 8) | bytes[at++]!;
    }
  }
  return state === lowest && at === bytes.length ? codes : undefined;
}

/** Frequencies that sum to 4096, at least 1 for every code that occurs; what rounding leaves over goes to the most frequent. */
function normalized(codes: Uint8Array, symbols: number): Uint16Array {
  const counts = new Float64Array(symbols);
  for (const code of codes) counts[code] = counts[code]! + 1;
  const frequencies = Uint16Array.from(counts, (count) =>
    count === 0 ? 0 : Math.max(1, Math.floor((count * tableSize) / codes.length + 0.5)),
  );
  let left = tableSize - frequencies.reduce((sum, frequency) => sum + frequency, 0);
  while (left !== 0) {
    const largest = frequencies.indexOf(Math.max(...frequencies));
    // Rare codes that count as 1 may take more than the most frequent one has to give.
    const step = left > 0 ? left : -Math.min(-left, frequencies[largest]! >> 1);
    frequencies[largest] = frequencies[largest]! + step;
    left -= step;
  }
  return frequencies;
}

/** 1 to 127 in one byte, more in two (the lower 7 bits with 128 set, then the rest); zeros as 0 and how many follow it. */
function tableBytes(frequencies: Uint16Array): Uint8Array {
  const bytes: number[] = [];
  for (let i = 0; i < frequencies.length; i++) {
    const frequency = frequencies[i]!;
    if (frequency >= 128) bytes.push((frequency & 127) | 128, frequency >>> 7);
    else bytes.push(frequency);
    if (frequency > 0) continue;
    let more = 0;
    while (more < 255 && frequencies[i + 1] === 0) {
      i++;
      more++;
    }
    bytes.push(more);
  }
  return Uint8Array.from(bytes);
}

/** The table in front of a stream; undefined unless its frequencies sum to 4096. */
function readTable(
  bytes: Uint8Array,
  symbols: number,
): { frequencies: Uint16Array; length: number } | undefined {
  const frequencies = new Uint16Array(symbols);
  let at = 0;
  let sum = 0;
  for (let i = 0; i < symbols; i++) {
    const first = bytes[at++] ?? 0;
    if (first === 0) i += bytes[at++] ?? 0;
    else frequencies[i] = first < 128 ? first : (first & 127) | ((bytes[at++] ?? 0) << 7);
    sum += first === 0 ? 0 : frequencies[i]!;
    if (i >= symbols) return undefined;
  }
  return sum === tableSize && at <= bytes.length ? { frequencies, length: at } : undefined;
}

function startsOf(frequencies: Uint16Array): Uint16Array {
  const starts = new Uint16Array(frequencies.length);
  for (let i = 1; i < starts.length; i++) starts[i] = starts[i - 1]! + frequencies[i - 1]!;
  return starts;
}
