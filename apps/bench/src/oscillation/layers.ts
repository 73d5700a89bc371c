import type { HeatMapSection, LinesSection } from '../report/section.ts';
import { jobsOf, layerName, type Method, overRuns, type WatchedRun } from './watched.ts';

/** How much each layer's weights oscillate at the end of the training; methods whose attention has other layers leave cells empty. */
export function oscillatingLayers(methods: readonly Method[]): HeatMapSection {
  const shares = methods.map(lastShares);
  const names = [...new Set(shares.flatMap((share) => [...share.keys()]))].sort(inModel);
  return {
    kind: 'heat-map',
    title: 'Where weights oscillate',
    note: `The share of each layer’s weights that oscillate at the end of the training, in percent${methods.some(({ runs }) => runs.length > 1) ? '; means over the seeds' : ''}. Attention has other layers with QKR and without.`,
    from: jobsOf(methods),
    value: 'oscillating weights, %',
    digits: 1,
    columns: methods.map(({ name }) => name),
    rows: names.map((name) => ({ name, values: shares.map((share) => share.get(name) ?? null) })),
  };
}

/** By layer, means over the runs of what their last records say. */
function lastShares({ runs }: Method): Map<string, number> {
  const shares = new Map<string, number[]>();
  for (const { name, oscillating, weights } of runs.flatMap(({ lines }) => lines.at(-1)?.layers ?? [])) {
    const layer = layerName(name);
    shares.set(layer, [...(shares.get(layer) ?? []), (100 * oscillating) / weights]);
  }
  return new Map([...shares].map(([name, all]) => [name, all.reduce((a, b) => a + b) / all.length]));
}

/** As they are computed: blocks by their number, attention before the MLP, its projection last. */
const inModel = (a: string, b: string): number => place(a).localeCompare(place(b), 'en', { numeric: true });

const order = ['qkv', 'q', 'k', 'qk', 'v', 'proj', 'fc1', 'fc2'];
const place = (name: string): string =>
  name.replace(/(?:attn|mlp)\.(\w+).*$/, (_, layer: string) => `${order.indexOf(layer) + 1} ${layer}`);

/**
 * How the scales of one block's layers move: what each record's mean scale (StatsQ's of the rows, or LSQ's steps) is of the last one's. Where
 * weights are frozen and no longer flip, scales come to rest (README of the reference code, Fig. 1).
 *
 * @param block such as `blocks.2`
 */
export function scaleTrajectories(method: Method, block: string, mark?: number): LinesSection {
  const names = [
    ...new Set(
      method.runs.flatMap(({ lines }) => lines.flatMap(({ layers }) => layers.map(({ name }) => name))),
    ),
  ]
    .filter((name) => name.startsWith(`${block}.`))
    .sort(inModel);
  const trajectory = (name: string) => (run: WatchedRun) => {
    const scales = run.lines.flatMap(({ step, layers }) => {
      const mean = layers.find((layer) => layer.name === name)?.scale.mean;
      return mean === undefined ? [] : [{ step, mean }];
    });
    const last = scales.at(-1)?.mean ?? 0;
    return last === 0 ? [] : scales.map(({ step, mean }) => ({ x: step, y: 100 * (mean / last - 1) }));
  };
  return {
    kind: 'lines',
    title: `${method.name}: scales of ${block}`,
    note: `Mean scale of each layer’s rows, as the difference from where it ends.${mark === undefined ? '' : ' The rule is where annealing begins.'}`,
    from: jobsOf([method]),
    x: 'training step',
    y: 'difference from the last, %',
    series: names.map((name) => ({
      name: layerName(name).slice(block.length + 1),
      points: overRuns(method, trajectory(name)),
    })),
    ...(mark !== undefined && { mark }),
  };
}
