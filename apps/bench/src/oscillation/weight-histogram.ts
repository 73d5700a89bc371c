import type { LinesSection, Point } from '../report/section.ts';
import type { OscillationLine } from '../tasks/oscillation-file.ts';
import type { DesignConfig } from '../tasks/quantize-config.ts';
import { jobsOf, type Method, total } from './watched.ts';

/**
 * Where latent weights lie between the thresholds, at the first and at the last record (paper, Fig. 3): w / s of all layers, of the first
 * run that has histograms. Thresholds are rules.
 */
export function weightHistogram(
  method: Method,
  { weights, bits }: Pick<DesignConfig, 'weights' | 'bits'>,
): LinesSection {
  const run = method.runs.find(({ lines }) =>
    lines.some(({ layers }) => layers.some(({ histogram }) => histogram)),
  );
  const [first, last] = [run?.lines.at(0), run?.lines.at(-1)];
  const measure =
    weights === 'statsq' ? 'twice the mean magnitude of its row' : 'the learned step of its row';
  return {
    kind: 'lines',
    title: `${method.name}: latent weights among their thresholds`,
    note: `Each weight w divided by s, ${measure}; all layers${method.runs.length > 1 ? `, seed ${run?.seed}` : ''}. Rules are the thresholds between codes: weights that gather at one change their code with every small step.`,
    from: run === undefined ? jobsOf([method]) : run.from,
    x: 'w / s',
    y: 'weights, %',
    binned: true,
    mark: thresholds(weights, bits),
    series: [first, last].flatMap((line, i) =>
      line === undefined
        ? []
        : [{ name: `${i === 0 ? 'first' : 'last'}, step ${line.step}`, points: shares(line) }],
    ),
  };
}

/** Decision thresholds of w / s: multiples of the level for StatsQ, 0 among them, and half-way between multiples of the step for LSQ. */
export function thresholds(weights: DesignConfig['weights'], bits: number): number[] {
  const n = 2 ** (bits - 1);
  const between = Array.from({ length: 2 * n - 1 }, (_, i) => i - n + 1);
  return weights === 'statsq' ? between.map((j) => j / n) : between.map((j) => j - 0.5);
}

/** The middle of each bin, and the share of all layers' weights in it; those outside count as weights, too. */
function shares({ layers }: OscillationLine): Point[] {
  const histograms = layers.flatMap(({ histogram }) => histogram ?? []);
  const [one] = histograms;
  if (one === undefined) return [];
  const all = total(
    histograms,
    ({ counts, below, above }) => below + above + total(counts, (count) => count),
  );
  const width = (one.to - one.from) / one.counts.length;
  return one.counts.map((_, bin) => ({
    x: one.from + (bin + 0.5) * width,
    y: (100 * total(histograms, ({ counts }) => counts[bin]!)) / all,
  }));
}
