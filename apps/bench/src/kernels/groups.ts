import { attentionCases } from './attention-cases.ts';
import { PEAK_FLOP } from './child/peak-task.ts';
import { type EngineName, ours } from './engine-names.ts';
import { flopOf, productCases, quickProductCases, sizesOf } from './products.ts';
import { type FusedOperation, fusedOperations, type Task } from './tasks.ts';

export interface Column {
  readonly column: string;
  readonly engine: EngineName;
  readonly task: Task;
  /** Floating-point operations of a call, where speed is shown in GFLOP/s. */
  readonly flop?: number;
}

/** One line of a table: the same work, or work to be compared, on several engines. */
export interface Row {
  readonly name: string;
  readonly tags: readonly string[];
  readonly threads: number;
  readonly columns: readonly Column[];
  /** Whether its engines start anew, so that their memory is this row's alone. */
  readonly fresh?: boolean;
  /** At most so many samples of each engine. */
  readonly rounds?: number;
  /** Rough seconds for nine rounds, for the progress bar. */
  readonly weight: number;
}

export interface Group {
  readonly name: string;
  readonly title: string;
  readonly note: string;
  readonly rows: readonly Row[];
}

/** The column beside a product's that gives the machine's 128-bit FMA peak, taken in the same rounds. */
export const PEAK_COLUMN = '128-bit FMA peak';

/** The column of a flavour's W2A2 step, beside that of its float step. */
export const quantizedColumn = (flavour: (typeof ours)[number]): string => `${flavour} W2A2`;

/** The column of a flavour's attention, with QKR or plain. */
const attentionColumn = (flavour: (typeof ours)[number], attention: 'plain' | 'qkr'): string =>
  `${attention === 'qkr' ? 'QKR' : attention}, ${flavour}`;

const onAll = (task: Task, engines: readonly EngineName[], flop?: number): Column[] =>
  engines.map((engine) => ({ column: engine, engine, task, ...(flop !== undefined && { flop }) }));

const everyone: readonly EngineName[] = ['stock', ...ours, 'ort-web', 'ort-node', 'torch'];
const withWebgl: readonly EngineName[] = ['stock', 'webgl', ...everyone.slice(1)];

/** Names of `@proj/vit`'s configurations. */
const deit = 'deit_tiny_patch16_224';
const cifar = 'vit_cifar_32';

export const groupNames = [
  'peaks',
  'products',
  'fused',
  'inference',
  'training',
  'quantized',
  'attention',
  'convolution',
] as const;
export type GroupName = (typeof groupNames)[number];

/** The rows of every group; `quick` takes fewer and smaller ones, for a first look in minutes. */
const groups: Readonly<Record<GroupName, (quick: boolean) => Omit<Group, 'name'>>> = {
  peaks: () => ({
    title: 'What the machine can do',
    note: 'GFLOP/s of arithmetic in registers, from WebAssembly: 128-bit operations, and pairs that the revectorizer joins (wide).',
    rows: (['mul-add', 'fma'] as const).map((operation) => ({
      name: operation === 'fma' ? 'fused multiply-add' : 'multiply, then add',
      tags: [],
      threads: 1,
      columns: onAll({ kind: 'peak', operation }, ['relaxed', 'wide'], PEAK_FLOP),
      weight: 2,
    })),
  }),
  products: (quick) => ({
    title: 'Matrix products',
    note: 'GFLOP/s, M x K x N. Our kernels and the stock ones of tfjs are called directly.',
    rows: (quick ? quickProductCases : productCases).map(({ name, size, product }) => ({
      name: `${name} (${sizesOf(product)})`,
      tags: [
        size,
        ...(product.transposeA || product.transposeB ? ['transposed'] : []),
        ...(product.batch > 1 ? ['batched'] : []),
      ],
      threads: 1,
      columns: [
        ...onAll({ kind: 'product', ...product }, everyone, flopOf(product)),
        {
          column: PEAK_COLUMN,
          engine: 'relaxed',
          task: { kind: 'peak', operation: 'fma' },
          flop: PEAK_FLOP,
        },
      ],
      weight: 8,
    })),
  }),
  fused: (quick) => ({
    title: 'Operations, forward and backward',
    note: "Milliseconds. The stock column runs the composed form with its gradient written out, which is faster than tfjs's tape.",
    rows: fusedOperations.map((operation) => {
      const { title, shape } = fusedCases(quick ? 8 : 64)[operation];
      return {
        name: shape.length === 0 ? title : `${title} [${shape.join(', ')}]`,
        tags: [],
        threads: 1,
        columns: onAll({ kind: 'fused', operation, shape }, ['stock', ...ours, 'torch']),
        weight: 10,
      };
    }),
  }),
  inference: (quick) => ({
    title: 'DeiT-Tiny, 224 px, images to logits',
    note: 'Milliseconds. Random weights: they do not change the time.',
    rows: (quick ? [1] : [1, 8]).map((batch) => ({
      name: `batch ${batch}`,
      tags: [`batch ${batch}`],
      threads: 1,
      columns: onAll({ kind: 'inference', model: deit, batch }, withWebgl),
      weight: 30 * batch,
    })),
  }),
  training: (quick) => {
    const batch = quick ? 8 : 64;
    const task: Task = { kind: 'training', model: cifar, batch };
    return {
      title: 'Training step of the CIFAR ViT',
      note: '32 px, patch 4, width 192, depth 6, 3 heads: forward, backward and AdamW. Milliseconds; heap: what the WebAssembly memory grew to. The stock column keeps its weights [in, out], which suits it.',
      rows: [
        {
          name: `batch ${batch}, 1 thread`,
          tags: ['1 thread'],
          threads: 1,
          columns: onAll(task, ['stock', 'webgl', ...ours, 'torch']),
          fresh: true,
          weight: 7 * batch,
        },
        {
          name: `batch ${batch}, 2 workers or threads`,
          tags: ['2 threads'],
          threads: 2,
          columns: onAll(task, [...ours, 'torch']),
          fresh: true,
          weight: 12 + batch,
        },
      ],
    };
  },
  quantized: (quick) => {
    const batch = quick ? 1 : 4;
    const task = { kind: 'training', model: deit, batch } as const;
    return {
      title: 'Training step of DeiT-Tiny, float and with all quantizers of a W2A2 QKR model',
      note: 'Milliseconds; forward, backward and AdamW.',
      rows: [
        {
          name: `batch ${batch}`,
          tags: [],
          threads: 1,
          columns: [
            ...ours.flatMap((engine) => [
              { column: engine, engine, task },
              { column: quantizedColumn(engine), engine, task: { ...task, bits: 2 as const } },
            ]),
            { column: 'torch', engine: 'torch', task },
          ],
          weight: 15 * batch,
        },
      ],
    };
  },
  attention: (quick) => ({
    title: 'One attention at 2 bits, plain and with QKR',
    note: "Milliseconds, forward and backward; tensors at the peak: parameters, inputs and what the tape keeps, without the kernels' own workspace.",
    rows: (quick ? attentionCases.slice(0, 1) : attentionCases).map(({ name, batch, of, ...attention }) => ({
      name: `${name} (${batch} ${of})`,
      tags: [],
      threads: 1,
      columns: ours.flatMap((engine) =>
        (['plain', 'qkr'] as const).map((kind) => ({
          column: attentionColumn(engine, kind),
          engine,
          task: { kind: 'attention', ...attention, batch, bits: 2, attention: kind } as const,
        })),
      ),
      weight: 25,
    })),
  }),
  convolution: (quick) => {
    const [batch, wide] = quick ? [1, 16] : [2, 64];
    const widths = [1, 'pool', 2, 'pool', 4, 4, 'pool', 8, 8, 'pool', 8, 8, 'pool'].map((width) =>
      typeof width === 'number' ? width * wide : 'pool',
    );
    return {
      title: `Training step of a VGG-11 on 32 px${quick ? ', a quarter as wide' : ''}`,
      note: `Milliseconds; batch ${batch}, forward, backward and SGD. Stock tfjs-wasm has no gradient of a convolution's filter.`,
      rows: [
        {
          name: `batch ${batch}`,
          tags: [],
          threads: 1,
          columns: onAll({ kind: 'convolution', batch, widths }, ['cpu', ...ours, 'torch']),
          fresh: true,
          // tfjs-cpu takes a minute for each.
          rounds: 3,
          weight: quick ? 20 : 300,
        },
      ],
    };
  },
};

export const kernelGroup = (name: GroupName, quick: boolean): Group => ({ name, ...groups[name](quick) });

/** Rough seconds that a group takes. */
export const groupSeconds = ({ rows }: Group, rounds: number): number =>
  rows.reduce((sum, row) => sum + (row.weight * (1 + Math.min(rounds, row.rounds ?? rounds))) / 10, 0);

/** The sizes that the CIFAR ViT has at a batch, and what they are called. */
const fusedCases = (
  batch: number,
): Readonly<Record<FusedOperation, { title: string; shape: readonly number[] }>> => ({
  layerNorm: { title: 'LayerNorm', shape: [65 * batch, 192] },
  gelu: { title: 'GELU', shape: [65 * batch, 768] },
  quantizer: { title: 'LSQ quantizer', shape: [65 * batch, 192] },
  softmax: { title: 'softmax', shape: [3 * 65 * batch, 65] },
  crossEntropy: { title: 'cross-entropy', shape: [4 * batch, 1000] },
  adamw: { title: 'AdamW, the 152 tensors of DeiT-T', shape: [] },
});
