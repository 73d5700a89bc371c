import { RwsError } from './error.ts';
import type { UnitTensor } from './extract-checks.ts';
import { type Floats, finiteValues, nonFiniteIndex } from './floats.ts';
import { difference, norm, reject } from './projection.ts';
import type { Projection } from './signature.ts';

/** The signature of one tensor before quantization, and what the diagnostics say about it. */
export interface Residual {
  /** RWS, rounded to float32 once. */
  readonly values: Float32Array;
  /** Of the values, or of robust − standard for a replacement. */
  readonly norm: number;
  readonly p: number | null;
  readonly directionNorm: number | null;
  readonly relativeDifference: number | null;
}

/** RWS of one tensor: d − p·b with `orthogonal`, robust − standard with `none`; the robust tensor itself for a replacement. */
export function residualOf(
  { name, apply, init, standard, robust }: UnitTensor,
  projection: Projection,
): Residual {
  const standardValues = finiteValues(standard, `standard "${name}"`);
  const robustValues = finiteValues(robust, `robust "${name}"`);
  const delta = difference(robustValues, standardValues);
  const standardNorm = norm(standardValues);
  const relativeDifference = standardNorm === 0 ? null : norm(delta) / standardNorm;
  let residual: Floats = apply === 'add' ? delta : robustValues;
  let p: number | null = null;
  let directionNorm: number | null = null;
  if (projection === 'orthogonal' && apply === 'add') {
    const initValues = finiteValues(init!, `init "${name}"`);
    const rejection = reject(difference(robustValues, initValues), difference(standardValues, initValues));
    ({ residual, p, directionNorm } = rejection);
  }
  const values = new Float32Array(residual);
  const length = norm(apply === 'add' ? values : delta);
  if (nonFiniteIndex(values) >= 0 || ![p, directionNorm, relativeDifference].every(isFiniteOrNull)) {
    throw new RwsError(
      'RWS_OUT_OF_RANGE',
      `"${name}": the checkpoints differ by more than float32 can hold; are they checkpoints of one model?`,
    );
  }
  return { values, norm: length, p, directionNorm, relativeDifference };
}

function isFiniteOrNull(value: number | null): boolean {
  return value === null || Number.isFinite(value);
}
