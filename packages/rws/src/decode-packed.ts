import { unpackBits } from '@proj/tensor-io';

/**
 * The `count` values of packed codes (`packBits`), looked up in `table`, which has an entry for every code that occurs.
 * Codes of 4 and 8 bits, which lie whole in a byte, are looked up without being unpacked first.
 */
export function decodePacked(
  packed: Uint8Array,
  bits: number,
  table: Float32Array,
  count: number,
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  if (bits === 4) {
    const pairs = count >>> 1;
    for (let i = 0; i < pairs; i++) {
      const byte = packed[i]!;
      values[2 * i] = table[byte & 15]!;
      values[2 * i + 1] = table[byte >>> 4]!;
    }
    if (count % 2 === 1) values[count - 1] = table[packed[pairs]! & 15]!;
    return values;
  }
  const codes = bits === 8 ? packed : unpackBits(packed, bits, count);
  for (let i = 0; i < count; i++) values[i] = table[codes[i]!]!;
  return values;
}

/** Adds the values that packed codes (`packBits`) have in `table` to `sum`, one each, without an array of them. */
export function addPacked(sum: Float64Array, packed: Uint8Array, bits: number, table: Float64Array): void {
  const count = sum.length;
  if (bits === 4) {
    const pairs = count >>> 1;
    for (let i = 0; i < pairs; i++) {
      const byte = packed[i]!;
      sum[2 * i] = sum[2 * i]! + table[byte & 15]!;
      sum[2 * i + 1] = sum[2 * i + 1]! + table[byte >>> 4]!;
    }
    if (count % 2 === 1) sum[count - 1] = sum[count - 1]! + table[packed[pairs]! & 15]!;
    return;
  }
  const codes = bits === 8 ? packed : unpackBits(packed, bits, count);
  for (let i = 0; i < count; i++) sum[i] = sum[i]! + table[codes[i]!]!;
}
