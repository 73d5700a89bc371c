/** The middle of a sample and its quartiles. */
export type Spread = {
  readonly median: number;
  readonly q1: number;
  readonly q3: number;
};

/** Median and quartiles by linear interpolation between the sorted values. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => {
    const position = share * (sorted.length - 1);
    const below = sorted[Math.floor(position)]!;
    return below + (position % 1) * (sorted[Math.ceil(position)]! - below);
  };
  return { median: at(0.5), q1: at(0.25), q3: at(0.75) };
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
