/** The nearest integer, the even one of two: Python's `round` and numpy's `rint`. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}
