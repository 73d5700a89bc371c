import type { Levels } from './layout.ts';

/**
 * How far a position (as `positions` gives it) is from the nearest decision threshold, in levels: thresholds lie at i + 1/2 for
 * i = low .. high - 1, and beyond the outermost there is none, so that saturated elements are far from all.
 */
export function thresholdDistance(position: number, { low, high }: Levels): number {
  const below = Math.min(Math.max(Math.floor(position), low), high - 1);
  return Math.abs(position - (below + 0.5));
}
