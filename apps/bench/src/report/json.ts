/** Unrounded. What JSON has no number for is written as a string: "NaN", "Infinity", "-Infinity". */
export const jsonText = (value: unknown): string =>
  `${JSON.stringify(
    value,
    (_, item: unknown) => (typeof item === 'number' && !Number.isFinite(item) ? String(item) : item),
    2,
  )}\n`;
