import { PEAK_COLUMN, quantizedColumn } from './groups.ts';
import { type Measured, type RowResult, speedRatio, timeRatio } from './results.ts';
import { geometricMean } from './statistics.ts';

/** A goal set for the kernels, and what this run measured; undefined where the run did not measure it. */
export interface Verdict {
  readonly target: string;
  readonly wanted: string;
  readonly measured: number | undefined;
  readonly shown: string;
  readonly reached: boolean | undefined;
}

interface Target {
  readonly target: string;
  readonly bound: number;
  readonly atLeast: boolean;
  readonly show: (value: number) => string;
  readonly measure: (rows: (group: string) => readonly RowResult[]) => readonly (number | undefined)[];
}

const times = (value: number) => `${value >= 10 ? value.toFixed(1) : value.toFixed(2)}x`;
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const gibibytes = (value: number) => `${value.toFixed(2)} GiB`;

/** Ratios of the first column's time to the second's, over the rows that have all of the tags. */
const ratios = (
  rows: readonly RowResult[],
  numerator: string,
  denominator: string,
  ...tags: readonly string[]
): (number | undefined)[] =>
  rows
    .filter((row) => tags.every((tag) => row.tags.includes(tag)))
    .map((row) => timeRatio(row, numerator, denominator)?.median);

/** A product's share of the peak that was taken in the same rounds. */
const shares = (rows: readonly RowResult[], column: string, tag: string): (number | undefined)[] =>
  rows.filter(({ tags }) => tags.includes(tag)).map((row) => speedRatio(row, column, PEAK_COLUMN)?.median);

const vitShapes = (rows: readonly RowResult[]) => rows.filter(({ tags }) => !tags.includes('small'));

const flavours = ['reproducible', 'relaxed', 'wide'] as const;
/** Those with fused multiply-add. */
const fused = ['relaxed', 'wide'] as const;

const targets: readonly Target[] = [
  ...(['large', 'attention'] as const).map(
    (size): Target => ({
      target: `products, ${size} shapes, relaxed, as share of the 128-bit FMA peak`,
      bound: size === 'large' ? 0.88 : 0.75,
      atLeast: true,
      show: percent,
      measure: (rows) => shares(rows('products'), 'relaxed', size),
    }),
  ),
  {
    target: 'products of ViT shapes, wide, speed against ORT-node',
    bound: 0.9,
    atLeast: true,
    show: times,
    measure: (rows) => ratios(vitShapes(rows('products')), 'ort-node', 'wide'),
  },
  ...fused.map(
    (flavour): Target => ({
      target: `transposed and batched products of ViT shapes, ${flavour}, speed against tfjs-wasm`,
      bound: 20,
      atLeast: true,
      show: times,
      measure: (rows) =>
        ratios(
          vitShapes(rows('products')).filter(
            ({ tags }) => tags.includes('transposed') || tags.includes('batched'),
          ),
          'stock',
          flavour,
        ),
    }),
  ),
  {
    target: 'slowest product against tfjs-wasm, of every shape and flavour',
    bound: 1,
    atLeast: true,
    show: times,
    measure: (rows) => {
      const all = flavours.flatMap((flavour) =>
        ratios(rows('products'), 'stock', flavour).filter((ratio) => ratio !== undefined),
      );
      return all.length === 0 ? [] : [Math.min(...all)];
    },
  },
  ...fused.map(
    (flavour): Target => ({
      target: `CIFAR ViT training step, batch 64, ${flavour}, speed against tfjs-wasm`,
      bound: 20,
      atLeast: true,
      show: times,
      measure: (rows) => ratios(rows('training'), 'stock', flavour, '1 thread'),
    }),
  ),
  ...fused.map(
    (flavour): Target => ({
      target: `the same, ${flavour}, time against PyTorch`,
      bound: flavour === 'relaxed' ? 1.6 : 1.2,
      atLeast: false,
      show: times,
      measure: (rows) => ratios(rows('training'), flavour, 'torch', '1 thread'),
    }),
  ),
  {
    target: 'the same, largest heap of our flavours',
    bound: 0.6,
    atLeast: false,
    show: gibibytes,
    measure: (rows) => {
      const heaps = rows('training')
        .filter(({ tags }) => tags.includes('1 thread'))
        .flatMap(({ cells }) => flavours.map((flavour) => cells[flavour]))
        .flatMap((cell) => (cell === undefined || 'missing' in cell ? [] : (cell.heapBytes ?? [])));
      return heaps.length === 0 ? [] : [Math.max(...heaps) / 2 ** 30];
    },
  },
  ...fused.map(
    (flavour): Target => ({
      target: `the same, ${flavour} in 2 workers, time against PyTorch in 2 threads`,
      bound: 1.25,
      atLeast: false,
      show: times,
      measure: (rows) => ratios(rows('training'), flavour, 'torch', '2 threads'),
    }),
  ),
  ...flavours.map(
    (flavour): Target => ({
      target: `DeiT-T W2A2 QKR training step, batch 4, ${flavour}, time against our float step`,
      bound: 1.35,
      atLeast: false,
      show: times,
      measure: (rows) => ratios(rows('quantized'), quantizedColumn(flavour), flavour),
    }),
  ),
  ...fused.map(
    (flavour): Target => ({
      target: `DeiT-T inference, batch 1, ${flavour}, speed against ORT-web`,
      bound: 2.2,
      atLeast: true,
      show: times,
      measure: (rows) => ratios(rows('inference'), 'ort-web', flavour, 'batch 1'),
    }),
  ),
  {
    target: 'VGG-11 training step, relaxed, speed against tfjs-cpu',
    bound: 50,
    atLeast: true,
    show: times,
    measure: (rows) => ratios(rows('convolution'), 'cpu', 'relaxed'),
  },
];

/** What the run says of every target: geometric means over rows, each a median of ratios within rounds. */
export function verdicts({ groups, quick }: Measured): Verdict[] {
  const rows = (name: string) =>
    (quick ? undefined : groups.find((group) => group.name === name))?.rows ?? [];
  return targets.map(({ target, bound, atLeast, show, measure }) => {
    const values = measure(rows);
    const known = values.filter((value) => value !== undefined);
    // A mean over some of the shapes would not be the target's.
    const measured = known.length > 0 && known.length === values.length ? geometricMean(known) : undefined;
    return {
      target,
      wanted: `${atLeast ? '>=' : '<='} ${show(bound)}`,
      measured,
      shown: measured === undefined ? 'not measured' : show(measured),
      reached: measured === undefined ? undefined : atLeast ? measured >= bound : measured <= bound,
    };
  });
}
