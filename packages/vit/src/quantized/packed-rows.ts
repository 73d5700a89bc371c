import type { Quantizer } from '@proj/quant-stats';
import { packBits, type TensorData, unpackBits } from '@proj/tensor-io';

/** Bytes of a row of so many codes: each row begins with a byte of its own. */
export const rowBytes = (columns: number, bits: number): number => Math.ceil((columns * bits) / 8);

/** Codes 0 .. 2^bits - 1 of a matrix, row by row, as U8 [rows, rowBytes]. */
export function packRows(codes: Uint8Array, rows: number, bits: number): TensorData {
  const columns = codes.length / rows;
  const width = rowBytes(columns, bits);
  const bytes = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) {
    bytes.set(packBits(codes.subarray(row * columns, (row + 1) * columns), bits), row * width);
  }
  return { dtype: 'U8', shape: [rows, width], bytes };
}

/**
 * What `packRows` packed.
 *
 * @throws {TensorIoError} `TIO_BAD_VALUE` where a bit after the last code of a row is set.
 */
export function unpackRows({ shape, bytes }: TensorData, columns: number, bits: number): Uint8Array {
  const [rows, width] = shape as [number, number];
  const codes = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    codes.set(unpackBits(bytes.subarray(row * width, (row + 1) * width), bits, columns), row * columns);
  }
  return codes;
}

/**
 * What codes 0 .. 2^bits - 1 stand for, in units of the row's scale: exact in float32, so that scale times level is rounded once.
 * StatsQ: (2 u + 1 - 2^b) / 2^b, symmetric and without 0. LSQ: u - 2^(b-1).
 */
export function levelsOfCodes({ method, bits }: Quantizer): Float32Array {
  const n = 2 ** (bits - 1);
  return Float32Array.from({ length: 2 * n }, (_, u) => (method === 'statsq' ? (u + 0.5 - n) / n : u - n));
}
