/*
 * Entropy coding of one stream of codes: rANS (Duda, 2013) with one static table of frequencies, which stands in front.
 *
 * The layout is FORMAT.md's: the frequencies, then the decoder's two first states as little-endian uint32, then its bytes.
 * Codes of even and odd places have a state each, so that the processor can work on two at a time. Decoding ends in the states that encoding started from with no byte left, so a stream has one
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
  const table = tableBytes(frequencies);
  // At most 12 bits a code, written from the end, since decoding runs backwards.
  const bytes = new Uint8Array(table.length + 8 + Math.ceil((codes.length * tableBits) / 8) + 8);
  let at = bytes.length;
  // The state of the code at hand and that of its neighbour, in turn.
  let current = lowest;
  let other = lowest;
  for (let i = codes.length - 1; i >= 0; i--) {
    const code = codes[i]!;
    const frequency = frequencies[code]!;
    const most = frequency * (lowest >>> tableBits) * 256 - 1;
    let state = current;
    // Without branches: 0, 1 or 2 bytes are due, and the next ones overwrite what was not.
    bytes[at - 1] = state;
    bytes[at - 2] = state >>> 8;
    const due = ((most - state) >>> 31) + ((most - (state >>> 8)) >>> 31);
    at -= due;
    state >>>= 8 * due;
    const times = (state / frequency) | 0;
    state = (times << tableBits) + state - Math.imul(times, frequency) + starts[code]!;
    current = other;
    other = state;
  }
  at -= 8 + table.length;
  const view = new DataView(bytes.buffer, at + table.length);
  // Place 0 came last.
  view.setUint32(0, other, true);
  view.setUint32(4, current, true);
  bytes.set(table, at);
  return bytes.slice(at);
}

/** `count` codes; undefined for bytes that `encodeRans` cannot have made of so many. */
export function decodeRans(bytes: Uint8Array, symbols: number, count: number): Uint8Array | undefined {
  const table = readTable(bytes, symbols);
  if (table === undefined || bytes.length < table.length + 8) return undefined;
  const entries = decodingTable(table.frequencies);
  const view = new DataView(bytes.buffer, bytes.byteOffset + table.length);
  let even = view.getUint32(0, true);
  let odd = view.getUint32(4, true);
  if (!inRange(even) || !inRange(odd)) return undefined;
  // Two bytes more, since two are read where none may be due.
  const body = new Uint8Array(bytes.length - table.length - 8 + 2);
  const length = body.length - 2;
  body.set(bytes.subarray(table.length + 8));
  const codes = new Uint8Array(count);
  let at = 0;
  for (let i = 0; i < count && at <= length; i += 2) {
    const entry = entries[even & (tableSize - 1)]!;
    codes[i] = entry;
    even = Math.imul((entry >>> 20) + 1, even >>> tableBits) + ((entry >>> 8) & (tableSize - 1));
    // Without branches, which no processor would foresee: 0, 1 or 2 bytes take the state back to `lowest` or above.
    let due = (Math.clz32(even) - 1) >> 3;
    even = (even << (8 * due)) | (((body[at]! << 8) | body[at + 1]!) >>> (16 - 8 * due));
    at += due;
    if (i + 1 === count) break;
    const second = entries[odd & (tableSize - 1)]!;
    codes[i + 1] = second;
    odd = Math.imul((second >>> 20) + 1, odd >>> tableBits) + ((second >>> 8) & (tableSize - 1));
    due = (Math.clz32(odd) - 1) >> 3;
    odd = (odd << (8 * due)) | (((body[at]! << 8) | body[at + 1]!) >>> (16 - 8 * due));
    at += due;
  }
  return even === lowest && odd === lowest && at === length ? codes : undefined;
}

const inRange = (state: number) => state >= lowest && state < 256 * lowest;

/** For every slot its code (8 bits), the slot's place among those of its code (12) and the code's frequency − 1 (12). */
function decodingTable(frequencies: Uint16Array): Int32Array {
  const entries = new Int32Array(tableSize);
  let slot = 0;
  for (const [code, frequency] of frequencies.entries()) {
    for (let i = 0; i < frequency; i++) entries[slot++] = ((frequency - 1) << 20) | (i << 8) | code;
  }
  return entries;
}

/** Frequencies that sum to 4096, at least 1 for every code that occurs; what rounding leaves over goes to the most frequent. */
function normalized(codes: Uint8Array, symbols: number): Uint16Array {
  const counts = new Uint32Array(symbols);
  for (let i = 0; i < codes.length; i++) counts[codes[i]!]!++;
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
