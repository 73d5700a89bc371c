import type { Floats } from './floats.ts';

/** What `reject` found: the residual and the two figures that describe the projection. */
interface Rejection {
  /** d − p·b, float64. */
  readonly residual: Float64Array;
  /** p = <d, b> / <b, b>; 0 where b vanishes. */
  readonly p: number;
  /** ||b||₂. */
  readonly directionNorm: number;
}

/**
 * The component of `d` orthogonal to `b`: d − (<d, b> / <b, b>)·b, with float64 inner products (float32 ones lose
 * about three digits over 10^6 elements). The paper's "Orthogonal" step, tensor by tensor.
 *
 * A vanishing `b` (a frozen tensor) has no direction to remove, so the residual is `d` itself; the paper's code
 * divides by zero there. Both vectors have the same length.
 */
export function reject(d: Floats, b: Floats): Rejection {
  const squaredNorm = innerProduct(b, b);
  const p = squaredNorm === 0 ? 0 : innerProduct(d, b) / squaredNorm;
  const residual = new Float64Array(d.length);
  for (let i = 0; i < d.length; i++) residual[i] = d[i]! - p * b[i]!;
  return { residual, p, directionNorm: Math.sqrt(squaredNorm) };
}

/** a − b, element by element, in float64. */
export function difference(a: Floats, b: Floats): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = a[i]! - b[i]!;
  return result;
}

/** <u, v>, accumulated in float64. */
export function innerProduct(u: Floats, v: Floats): number {
  let sum = 0;
  for (let i = 0; i < u.length; i++) sum += u[i]! * v[i]!;
  return sum;
}

/** ||v||₂, accumulated in float64. */
export function norm(v: Floats): number {
  return Math.sqrt(innerProduct(v, v));
}
