import type { LinesSection } from '../report/section.ts';
import type { OscillationLine } from '../tasks/oscillation-file.ts';
import { jobsOf, type Method, overRuns, total, type WatchedRun } from './watched.ts';

/** Where a stage begins that a figure should show, such as the annealing. */
interface Stage {
  readonly step: number;
  readonly name: string;
}

const seedsNote = (methods: readonly Method[]): string =>
  methods.some(({ runs }) => runs.length > 1) ? ' Means over seeds with 95 % intervals.' : '';

const figure = (
  methods: readonly Method[],
  stage: Stage | undefined,
  { title, note, y }: Pick<LinesSection, 'title' | 'y'> & { readonly note: string },
  pointsOf: (run: WatchedRun) => { readonly x: number; readonly y: number }[],
): LinesSection => ({
  kind: 'lines',
  title,
  note: `${note}${seedsNote(methods)}${stage === undefined ? '' : ` The rule is where ${stage.name} begins.`}`,
  from: jobsOf(methods),
  x: 'training step',
  y,
  series: methods.map((method) => ({ name: method.name, points: overRuns(method, pointsOf) })),
  ...(stage && { mark: stage.step }),
});

/** How many of the weights get another code in a step: the mean of the steps since the record before. */
export function flipsOverTime(methods: readonly Method[], stage?: Stage): LinesSection {
  return figure(
    methods,
    stage,
    {
      title: 'Weights that change their code',
      note: 'Of all weights that are quantized in the blocks, the share whose code is another one after a step, as a mean of the steps between two points.',
      y: 'weights that change per step, %',
    },
    ({ lines }) =>
      lines.flatMap((line, i) => {
        const y = flipShare(line, lines[i - 1]);
        return y === undefined ? [] : [{ x: line.step, y: 100 * y }];
      }),
  );
}

/** Changes of code per weight and step since the line before; undefined where there was no step that could have been one. */
function flipShare({ layers }: OscillationLine, before: OscillationLine | undefined): number | undefined {
  const weights = total(layers, (layer) => layer.weights);
  const steps = layers[0]?.steps ?? 0;
  const stepsBefore = before?.layers[0]?.steps ?? 0;
  // A watch that began anew has nothing before it; its first step only tells where weights are.
  const goesOn = before !== undefined && steps > stepsBefore;
  const since = goesOn ? steps - stepsBefore : steps - 1;
  const flips =
    total(layers, (layer) => layer.flipsSoFar) -
    (goesOn ? total(before.layers, (layer) => layer.flipsSoFar) : 0);
  return since < 1 ? undefined : flips / (since * weights);
}

/** The share of weights whose moving average of oscillation is above the threshold. */
export function oscillatingOverTime(methods: readonly Method[], stage?: Stage): LinesSection {
  const settings = methods.flatMap(({ runs }) => runs.flatMap(({ lines }) => lines)).at(0)?.settings;
  const definition =
    settings === undefined
      ? ''
      : ` Here: more often than once in ${Math.round(1 / settings.oscillatingAbove)} steps, in an average that weighs the newest step by ${settings.momentum} (Nagel et al. 2022).`;
  return figure(
    methods,
    stage,
    {
      title: 'Weights that oscillate',
      note: `A weight oscillates where its code turns back to where it came from.${definition}`,
      y: 'oscillating weights, %',
    },
    ({ lines }) => lines.map(({ step, shares }) => ({ x: step, y: 100 * shares.oscillating })),
  );
}

/** The share of weights so close to a threshold that a small step changes their code. */
export function boundaryOverTime(methods: readonly Method[], stage?: Stage): LinesSection {
  const range = methods.flatMap(({ runs }) => runs.flatMap(({ lines }) => lines)).at(0)
    ?.settings.boundaryRange;
  return figure(
    methods,
    stage,
    {
      title: 'Weights within the boundary range',
      note: `Latent weights no further than ${range ?? 'BR'} levels from the threshold between two codes. Annealing trains these only.`,
      y: 'within the boundary range, %',
    },
    ({ lines }) => lines.map(({ step, shares }) => ({ x: step, y: 100 * shares.withinBoundary })),
  );
}

/** Of the weights within the boundary range, whose gradient points the other way than it did before (paper, Fig. 4). */
export function turnsOverTime(methods: readonly Method[], stage?: Stage): LinesSection {
  return figure(
    methods,
    stage,
    {
      title: 'Gradients that turn at a threshold',
      note: 'Of the weights within the boundary range, the share whose gradient has changed its sign since the step before.',
      y: 'gradients that turn, %',
    },
    ({ lines }) =>
      lines.flatMap(({ step, layers }) => {
        // The first step has nothing to compare with; QKR's product is no parameter, and its gradient is not seen.
        const seen = layers.filter(({ gradientTurns, steps }) => gradientTurns !== null && steps > 1);
        const within = total(seen, (layer) => layer.withinBoundary);
        const turns = total(seen, ({ gradientTurns }) => gradientTurns!);
        return within === 0 ? [] : [{ x: step, y: (100 * turns) / within }];
      }),
  );
}

/** Accuracy while the model trains. */
export function accuracyOverTime(
  methods: readonly Method[],
  { images, float, stage }: { readonly images: string; readonly float?: number; readonly stage?: Stage },
): LinesSection {
  const section = figure(
    methods,
    stage,
    { title: 'Accuracy over the training', note: `Top-1 on ${images}.`, y: 'accuracy, %' },
    ({ accuracy = [] }) => [...accuracy],
  );
  const steps = section.series.flatMap(({ points }) => points.map(({ x }) => x));
  if (float === undefined || steps.length === 0) return section;
  const ends = [Math.min(...steps), Math.max(...steps)];
  return {
    ...section,
    series: [...section.series, { name: 'float model', points: ends.map((x) => ({ x, y: float })) }],
  };
}
