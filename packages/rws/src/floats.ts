import { type DType, type TensorData, tensorData, toFloat32, toFloat64 } from '@proj/tensor-io';
import { RwsError } from './error.ts';

export type Floats = Float32Array | Float64Array;

/** The dtypes that weight arithmetic is defined on. */
export function isFloat(dtype: DType): boolean {
  return dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/**
 * The exact values of a float tensor, in an array of their own.
 *
 * @throws {RwsError} `RWS_NON_FINITE` for an infinity or NaN, which arithmetic would spread or hide.
 */
export function finiteValues(tensor: TensorData, where: string): Floats {
  const values = tensor.dtype === 'F64' ? toFloat64(tensor) : toFloat32(tensor);
  const bad = nonFiniteIndex(values);
  if (bad >= 0) {
    throw new RwsError(
      'RWS_NON_FINITE',
      `${where} holds ${values[bad]} at element ${bad}; weights must be finite. Repair or retrain that checkpoint.`,
    );
  }
  return values;
}

/** Index of the first infinity or NaN; -1 without one. A loop, since callbacks over millions of weights are slow. */
export function nonFiniteIndex(values: Floats): number {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) return i;
  }
  return -1;
}

/**
 * A tensor of the nearest values that `dtype` can hold, each rounded once from float64, ties to even.
 *
 * @throws {RwsError} `RWS_OUT_OF_RANGE` for a value that `dtype` cannot hold.
 */
export function roundTo(
  dtype: DType,
  shape: readonly number[],
  values: Float64Array,
  where: string,
): TensorData {
  const bad = nonFiniteIndex(values);
  if (bad >= 0) throw new RwsError('RWS_OUT_OF_RANGE', `${where}: element ${bad} became ${values[bad]}.`);
  try {
    // tensorData checks and converts element by element; for float32 the engine's own conversion is many times as fast.
    const singles = dtype === 'F32' ? new Float32Array(values) : undefined;
    return tensorData(dtype, shape, singles !== undefined && nonFiniteIndex(singles) < 0 ? singles : values);
  } catch (error) {
    throw new RwsError('RWS_OUT_OF_RANGE', `${where}: ${(error as Error).message}`);
  }
}

export function product(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

/** null where there is nothing to divide by. */
export function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}
