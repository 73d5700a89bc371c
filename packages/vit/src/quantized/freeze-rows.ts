import type { Quantizer } from '@proj/quant-stats';
import { VitError } from '../error.ts';
import { levelsOfCodes } from './packed-rows.ts';

/** A weight as its codes 0 .. 2^bits - 1 and the scale of each row. */
export interface FrozenRows {
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
}

/**
 * Codes and scales that stand for exactly the values that a forward pass used.
 *
 * The scales are found from those values, and not computed again from the latent weights: another order of summing |w| would give another
 * last bit, and could put a weight close to a threshold on its other side.
 *
 * @param values quantized weights [rows, columns] as the forward pass made them.
 * @param guess of each row's scale, within a thousandth.
 * @throws {VitError} `VIT_NOT_PACKED` where no scale gives the values.
 */
export function freezeRows(
  name: string,
  quantizer: Quantizer,
  values: Float32Array,
  guess: ArrayLike<number>,
): FrozenRows {
  const levels = levelsOfCodes(quantizer);
  const [rows, columns] = [guess.length, values.length / guess.length];
  const n = levels.length / 2;
  const codes = new Uint8Array(values.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * columns, (row + 1) * columns);
    const found = codes.subarray(row * columns, (row + 1) * columns);
    const scale = Math.fround(guess[row]!);
    for (let i = 0; i < columns; i++) {
      const level = scale === 0 ? 0 : own[i]! / scale;
      // Of a scale of 0, all codes stand for 0; the reference of `codes` has 0 there, which is n here.
      const code = quantizer.method === 'statsq' ? Math.round(level * n + n - 0.5) : Math.round(level) + n;
      found[i] = scale === 0 ? n : Math.min(Math.max(code, 0), 2 * n - 1);
    }
    scales[row] = exactScale(own, found, levels, scale) ?? failed(name, row);
  }
  return { codes, scales };
}

/** The float32 with which every code gives its value, bit for bit. */
function exactScale(
  values: Float32Array,
  codes: Uint8Array,
  levels: Float32Array,
  guess: number,
): number | undefined {
  const fits = (scale: number): boolean =>
    values.every((value, i) => Math.fround(levels[codes[i]!]! * scale) === value);
  if (fits(guess)) return guess;
  // The rounding of the smallest level times the scale is the least there is; a power of two has none.
  let at = 0;
  for (let i = 1; i < values.length; i++) {
    if (Math.abs(levels[codes[i]!]!) < Math.abs(levels[codes[at]!]!)) at = i;
  }
  const scale = Math.fround(values[at]! / levels[codes[at]!]!);
  return [0, 1, -1, 2, -2].map((by) => neighbour(scale, by)).find(fits);
}

/** The float32 that is so many further from 0. */
function neighbour(value: number, by: number): number {
  const bits = new Int32Array(Float32Array.of(value).buffer);
  bits[0] = bits[0]! + by;
  return new Float32Array(bits.buffer)[0]!;
}

function failed(name: string, row: number): never {
  throw new VitError(
    'VIT_NOT_PACKED',
    `row ${row} of ${name} is not what its quantizer makes of a finite row; its scale may be too small for float32.`,
  );
}
