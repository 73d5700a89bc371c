/*
 * 2^x and atanh from +, −, ×, / and √ alone. ECMAScript leaves the last bits of Math.pow and Math.atanh to the engine; a
 * signature must have the same values in every one of them, or what undoes a patch would not fit.
 */

/** 2^x with a relative error of at most 1e-14; 0 and Infinity beyond float32's range by far. */
export function exp2(x: number): number {
  if (!(Math.abs(x) < 1000)) return x < 0 ? 0 : x * Number.POSITIVE_INFINITY;
  const whole = Math.floor(x + 0.5);
  const z = (x - whole) * Math.LN2;
  let sum = 1;
  for (let i = 16; i >= 1; i--) sum = 1 + (sum * z) / i;
  for (let i = 0; i < whole; i++) sum *= 2;
  for (let i = 0; i > whole; i--) sum /= 2;
  return sum;
}

/** atanh(x) with a relative error of at most 1e-12, for |x| < 1; not finite elsewhere. */
export function atanh(x: number): number {
  if (!(Math.abs(x) < 1)) return x * Number.POSITIVE_INFINITY;
  if (Math.abs(x) > 0.25) return 2 * atanh(x / (1 + Math.sqrt((1 - x) * (1 + x))));
  const square = x * x;
  let sum = 0;
  for (let i = 27; i >= 1; i -= 2) sum = 1 / i + square * sum;
  return x * sum;
}
