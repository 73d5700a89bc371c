import type { Point } from '../report/section.ts';
import { meanInterval } from '../report/statistics.ts';
import type { OscillationLine } from '../tasks/oscillation-file.ts';

/** A way to quantize, and the trainings that were made with it. */
export interface Method {
  /** As figures call it. */
  readonly name: string;
  readonly runs: readonly WatchedRun[];
}

/** A training with one seed, and what its weights did meanwhile. */
export interface WatchedRun {
  readonly seed: number;
  /** The finished jobs that it comes from. */
  readonly from: readonly { readonly id: string }[];
  /** In the order of the steps; where a training went on, of both its parts. */
  readonly lines: readonly OscillationLine[];
  /** Top-1 in percent, by step. */
  readonly accuracy?: readonly Point[];
}

/** The jobs behind a figure. */
export const jobsOf = (methods: readonly Method[]): { readonly id: string }[] =>
  methods.flatMap(({ runs }) => runs.flatMap(({ from }) => from));

/** Means over the runs of a method, with their 95 % intervals where there are several; each x that any of the runs has. */
export function overRuns(
  { runs }: Method,
  pointsOf: (run: WatchedRun) => readonly Pick<Point, 'x' | 'y'>[],
): Point[] {
  const values = new Map<number, number[]>();
  for (const run of runs) for (const { x, y } of pointsOf(run)) values.set(x, [...(values.get(x) ?? []), y]);
  return [...values]
    .sort(([a], [b]) => a - b)
    .map(([x, ys]) => {
      const { mean, low, high } = meanInterval(ys);
      return { x, y: mean, ...(low !== undefined && high !== undefined && { low, high }) };
    });
}

/** A sum over the layers of a record. */
export const total = <L>(layers: readonly L[], of: (layer: L) => number): number =>
  layers.reduce((sum, layer) => sum + of(layer), 0);

/** `blocks.3.mlp.fc1` of `blocks.3.mlp.fc1.weight`. */
export const layerName = (name: string): string => name.replace(/\.weight$/, '');
