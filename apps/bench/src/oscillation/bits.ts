import type { LinesSection, Point } from '../report/section.ts';
import { meanInterval } from '../report/statistics.ts';

/** Accuracies, in percent, of models of one method: of each number of bits, one for each seed. */
export interface AccuracyByBits {
  readonly name: string;
  readonly from: readonly { readonly id: string }[];
  readonly accuracies: ReadonlyMap<number, readonly number[]>;
}

/**
 * Accuracy against bits of weights and activations, with its spread over seeds.
 *
 * @param float of the float model, of the same seeds
 */
export function accuracyOverBits(
  methods: readonly AccuracyByBits[],
  { images, float }: { readonly images: string; readonly float?: readonly number[] },
): LinesSection {
  const point = (x: number, values: readonly number[]): Point => {
    const { mean, low, high } = meanInterval(values);
    return { x, y: mean, ...(low !== undefined && high !== undefined && { low, high }) };
  };
  const bits = [...new Set(methods.flatMap(({ accuracies }) => [...accuracies.keys()]))].sort(
    (a, b) => a - b,
  );
  const seeds = Math.max(
    1,
    ...methods.flatMap(({ accuracies }) => [...accuracies.values()].map((all) => all.length)),
  );
  return {
    kind: 'lines',
    title: 'Accuracy against bits',
    note: `Top-1 on ${images}; weights and activations of the blocks have as many bits as it says, patch embedding and head 8.${seeds > 1 ? ` Means over up to ${seeds} seeds with 95 % intervals.` : ''}`,
    from: methods.flatMap(({ from }) => from),
    x: 'bits of weights and activations',
    y: 'accuracy, %',
    series: [
      ...methods.map(({ name, accuracies }) => ({
        name,
        points: bits.flatMap((x) => (accuracies.get(x)?.length ? [point(x, accuracies.get(x)!)] : [])),
      })),
      ...(float?.length ? [{ name: 'float model', points: bits.map((x) => point(x, float)) }] : []),
    ],
  };
}
