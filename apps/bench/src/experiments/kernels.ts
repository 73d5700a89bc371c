import { BenchError } from '../error.ts';
import { defineExperiment, job } from '../experiment.ts';
import { nodeEngineNames } from '../kernels/engine-names.ts';
import { groupNames } from '../kernels/groups.ts';
import { measureKernels } from '../kernels/measure-kernels.ts';
import type { Measured } from '../kernels/results.ts';
import { engineLines, groupTable, reasons, targetTable } from '../kernels/tables.ts';
import type { Section } from '../report/section.ts';

type KernelsSettings = {
  readonly only: readonly string[];
  readonly engines: readonly string[];
  readonly rounds: number;
  readonly quick: boolean;
  readonly node: string;
};

const settings: KernelsSettings = {
  only: groupNames,
  engines: nodeEngineNames,
  rounds: 9,
  quick: false,
  node: 'recent',
};

export default defineExperiment<KernelsSettings>({
  name: 'kernels',
  title: 'Kernels, measured',
  about: 'Times the kernels against stock tfjs, ONNX Runtime and PyTorch, interleaved in one run.',
  presets: {
    smoke: {
      about: 'fewer and smaller rows, 3 rounds: a first look',
      settings: { ...settings, rounds: 3, quick: true },
    },
    study: { about: 'every row, 9 rounds; leave the machine alone meanwhile', settings },
    full: { about: 'every row, 25 rounds', settings: { ...settings, rounds: 25 } },
  },
  jobs({ only, engines, rounds, quick, node }) {
    if (!Number.isSafeInteger(rounds) || rounds < 1) refuse(`rounds: ${rounds} is not a positive integer`);
    const config = {
      quick,
      rounds,
      engines: chosen('engines', nodeEngineNames, engines),
      node: chosen('node', ['recent', 'this'], [node])[0]!,
    };
    return chosen('only', groupNames, only).map((group) =>
      job(measureKernels, { label: `kernels: ${group}`, config: { ...config, group } }),
    );
  },
  report({ settings: { quick, rounds }, of }) {
    const jobs = of(measureKernels);
    const measured: Measured = {
      quick,
      rounds,
      // What an engine said of itself first; one thread comes before two.
      engines: Object.assign({}, ...jobs.map(({ result }) => result.engines).reverse()),
      groups: jobs.map(({ result }) => result.group),
    };
    const empty = reasons(measured);
    return [
      {
        kind: 'text',
        title: 'What ran, and how it was measured',
        text: [...engineLines(measured), howMeasured(rounds), ...(quick ? [quickWarning] : [])],
      },
      ...jobs.map((job): Section => ({ ...groupTable(job.result.group), from: [job] })),
      ...(quick ? [] : [targetTable(measured)]),
      ...(empty.length === 0 ? [] : [{ kind: 'text', title: 'Empty cells', text: empty } as const]),
    ];
  },
});

const howMeasured = (rounds: number) =>
  [
    `Medians of ${rounds} rounds, ± half the distance between the quartiles. Each engine is a process of its own, warmed up until it gets no`,
    'faster; in every round each gives one sample, beginning with another engine each time, and ratios are medians of the ratios within',
    'rounds. One-thread rows are pinned to one processor and give CPU time; rows with more threads give wall time. All engines get the same',
    'inputs and weights, and their results are compared before they are timed. ONNX Runtime and PyTorch compute products as a program calls',
    'them, with weights known in advance where they are weights.',
  ].join(' ');

const quickWarning =
  'This is a first look: few rows of small sizes, short samples, hardly any warm-up. Targets are for the preset "study".';

/** The known names that a setting lists, in their usual order. */
function chosen<T extends string>(setting: string, known: readonly T[], names: readonly string[]): T[] {
  const unknown = names.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) refuse(`${setting}: there is no "${unknown}"; choose from ${known.join(', ')}`);
  return known.filter((name) => names.includes(name));
}

function refuse(message: string): never {
  throw new BenchError('BENCH_SETTING', `setting ${message}.`);
}
