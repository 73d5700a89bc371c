import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import { frozenWeights } from '@proj/cga';
import { type StateDict, stateSha256, toFloat32 } from '@proj/tensor-io';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { type Checkpoint, parseCheckpoint, serializeCheckpoint } from '@proj/trainer';
import { initSwin, initVit, swinConfigs, type VitConfig } from '@proj/vit';
import { ofqPlan, type QuantizedDesign } from '@proj/vit/quantized';
import { dispose, fill, memory, reverse, setBackend, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { config, halves, recipe } from '../../test/halves.mjs';
import { trainClassifier } from '../train.ts';
import type { QuantizeEvent } from './events.ts';
import { type QuantizationWorkers, thisThread } from './gradients.ts';
import type { QuantizeClassifierOptions } from './options.ts';
import { quantizeClassifier } from './quantize-classifier.ts';
import type { QuantizationRecipe } from './recipe.ts';

const designOf = (
  weights: QuantizedDesign['weights'],
  attention: QuantizedDesign['attention'],
  of: VitConfig = config,
): QuantizedDesign => ({ plan: ofqPlan(of, 2), weights, attention });
const ofq = designOf('statsq', 'qkr');
const dataset = halves(64, 1);
const annealed: QuantizationRecipe = {
  ...recipe,
  epochs: 2,
  annealing: { epochs: 1, boundaryRange: 0.02, queryKey: true },
};
let start: StateDict;
let mistaken: StateDict;

interface Run {
  readonly events: QuantizeEvent[];
  readonly losses: number[];
  readonly parameters: StateDict;
  readonly sha256: string;
  readonly saved: Checkpoint[];
}

async function run(change: Partial<QuantizeClassifierOptions> = {}, everySteps = 1000): Promise<Run> {
  const saved: Checkpoint[] = [];
  const store = { save: async (checkpoint: Checkpoint) => `checkpoint ${saved.push(checkpoint)}` };
  const events: QuantizeEvent[] = [];
  const losses: number[] = [];
  for await (const event of quantizeClassifier({
    config,
    design: ofq,
    start,
    recipe,
    dataset,
    checkpoints: { store, everySteps },
    ...change,
  })) {
    events.push(event);
    if (event.kind === 'step') losses.push(event.loss);
    if (event.kind !== 'done') continue;
    const parameters = await fromTensors(event.parameters);
    dispose([...event.parameters.values(), ...event.buffers.values()]);
    return { events, losses, parameters, sha256: event.sha256, saved };
  }
  throw new Error('the run ended without done');
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const stateOf = (tensors: Awaited<ReturnType<typeof initVit>>) => fromTensors(tensors);

beforeAll(async () => {
  await setBackend('wasm');
  for await (const event of trainClassifier({ config, dataset, recipe: { ...recipe, epochs: 30 } })) {
    if (event.kind !== 'done') continue;
    start = await fromTensors(event.parameters);
    const head = event.parameters.get('head.weight')!;
    const turned = reverse(head, 0);
    mistaken = await fromTensors(new Map(event.parameters).set('head.weight', turned));
    dispose([turned, ...event.parameters.values()]);
  }
});

describe('quantizeClassifier', () => {
  it('learns at 2 bits, and leaves the teacher alone and no tensor behind', async () => {
    const before = memory().numTensors;
    const teacher = await stateSha256(start);
    const { losses, events, parameters, sha256 } = await run();
    expect(events.slice(0, 3).map(({ kind }) => kind)).toEqual(['calibrated', 'start', 'step']);
    expect(losses).toHaveLength(24);
    expect(mean(losses.slice(-4))).toBeLessThan(losses[0]! - 0.3);
    expect(await stateSha256(parameters)).toBe(sha256);
    expect(await stateSha256(start)).toBe(teacher);
    expect(memory().numTensors).toBe(before);
  });

  it.each([
    ['StatsQ without QKR', designOf('statsq', 'plain'), undefined],
    ['LSQ', designOf('lsq', 'plain'), undefined],
    ['LSQ+', designOf('lsq+', 'plain'), undefined],
    ['LSQ with dampening', designOf('lsq', 'plain'), { method: 'dampening', strength: 0.01 }],
    [
      'LSQ with iterative freezing',
      designOf('lsq', 'plain'),
      { method: 'freezing', momentum: 0.1, threshold: { from: 0.3, to: 0.1 } },
    ],
  ] as const)('learns with %s', async (_, design, against) => {
    const before = memory().numTensors;
    // Left is right to it, so that there is something to learn.
    const { losses } = await run({
      design,
      start: mistaken,
      teacher: { config, state: start },
      recipe: { ...recipe, epochs: 9, learningRate: 4e-3, ...(against && { against }) },
    });
    expect(mean(losses.slice(-4))).toBeLessThan(losses[0]! - 2);
    expect(memory().numTensors).toBe(before);
  });

  it('learns from the teacher alone, whatever the labels say', async () => {
    const labels = { ...recipe, epochs: 1, labels: 'teacher' } as const;
    const wrong = { ...dataset, labels: dataset.labels.map((label) => 1 - label) };
    const [one, other] = [await run({ recipe: labels }), await run({ recipe: labels, dataset: wrong })];
    expect(other.sha256).toBe(one.sha256);
    const taught = await run({ recipe: { ...labels, labels: 'data' }, dataset: wrong });
    expect(taught.sha256).not.toBe(one.sha256);
  });

  it('learns with everything that DeiT does to images, repeatably', async () => {
    const augmentation = {
      randomResizedCrop: { size: 28 },
      flip: false,
      randAugment: { magnitude: 9, magnitudeStd: 0.5 },
      mixing: { mixup: 0.8, cutmix: 1, labelSmoothing: 0.1 },
      randomErasing: { probability: 0.25 },
      repeats: 2,
    };
    const mixed = { ...recipe, epochs: 1, augmentation };
    const whole = await run({ recipe: mixed }, 3);
    expect(whole.losses.every((loss) => Number.isFinite(loss) && loss > 0)).toBe(true);
    expect((await run({ recipe: mixed, resume: whole.saved[0] })).sha256).toBe(whole.sha256);
  });

  it('starts the projections anew where asked to, as the reference code does', async () => {
    const once = { ...recipe, epochs: 1, cooldownEpochs: 0 };
    const [copied, fresh] = [await run({ recipe: once }, 1), await run({ recipe: once, proj: 'fresh' }, 1)];
    const first = ({ saved }: Run) => toFloat32(saved[0]!.parameters.get('blocks.0.attn.proj.weight')!);
    const from = toFloat32(start.get('blocks.0.attn.proj.weight')!);
    const away = (weights: Float32Array) => Math.max(...weights.map((w, i) => Math.abs(w - from[i]!)));
    expect(away(first(copied))).toBeLessThan(0.01);
    expect(away(first(fresh))).toBeGreaterThan(0.1);
    await expect(run({ recipe: once, resume: fresh.saved[0] })).rejects.toThrow('proj was "fresh"');
  });

  it('trains a distilled DeiT by both heads, and a Swin Transformer', async () => {
    const distilled = { ...config, distilled: true };
    const float = initVit(distilled, 1);
    const first = await run({
      config: distilled,
      start: await stateOf(float),
      recipe: { ...recipe, epochs: 1, cooldownEpochs: 0 },
    });
    expect(first.losses).toHaveLength(4);
    const swin = {
      ...swinConfigs.swin_cifar_32,
      classes: 2,
      imageSize: 16,
      depths: [2, 2],
      heads: [2, 4],
      embedDim: 16,
    };
    const swinFloat = initSwin(swin, 1);
    const small = { ...halves(16, 2), height: 16, width: 16, channels: 3 as const };
    const second = await run({
      config: swin,
      design: { ...ofq, plan: ofqPlan(swin, 2) },
      start: await stateOf(swinFloat),
      dataset: {
        ...small,
        images: (indices) => new Uint8Array(indices.length * 768).map((_, i) => (i * 37) % 251),
      },
      recipe: { ...annealed, epochs: 1, cooldownEpochs: 0, batchSize: 8 },
    });
    expect(second.losses).toHaveLength(4);
    dispose([...float.values(), ...swinFloat.values()]);
  });
});

describe('annealing', () => {
  it('freezes confident weights bit by bit, under momentum and weight decay', async () => {
    const { saved, events } = await run({ recipe: annealed }, 1);
    expect(events.filter(({ kind }) => kind === 'annealing')).toEqual([{ kind: 'annealing', step: 12 }]);
    const name = 'blocks.0.mlp.fc1.weight';
    const [before, after] = saved.slice(12 - 1, 12 + 1).map(({ parameters }) => parameters.get(name)!);
    const [held, moved] = [toFloat32(before!), toFloat32(after!)];
    const latent = tensor(held, [...before!.shape]);
    const mask = frozenWeights(latent, { bits: 2, boundaryRange: 0.02 });
    const frozen = mask.dataSync();
    dispose([latent, mask]);
    const changed = held.filter((value, i) => frozen[i] === 1 && value !== moved[i]);
    expect(changed).toHaveLength(0);
    const free = held.filter((value, i) => frozen[i] === 0 && value !== moved[i]);
    expect(free.length).toBeGreaterThan(0);
    // Without annealing, the step before moves them all.
    const earlier = toFloat32(saved[10]!.parameters.get(name)!);
    expect(held.filter((value, i) => value !== earlier[i]).length).toBeGreaterThan(0.9 * held.length);
  });

  it('ends in the same bits as the end of a run and from a finished checkpoint', async () => {
    // Neither stage ends with an epoch.
    const stages = { ...annealed, cooldownEpochs: 0.5, annealing: { ...annealed.annealing!, epochs: 0.75 } };
    const { annealing, ...training } = stages;
    const whole = await run({ recipe: stages });
    const finished = (await run({ recipe: training })).saved.at(-1)!;
    const file = await parseCheckpoint(await serializeCheckpoint(finished), 'x');
    const after = await run({ recipe: { ...training, annealing }, continueFrom: file });
    expect(after.losses).toHaveLength(3);
    expect(after.events.some(({ kind }) => kind === 'calibrated')).toBe(false);
    expect(after.sha256).toBe(whole.sha256);
    const queryKey = { ...annealing, queryKey: false };
    const other = await run({ recipe: { ...training, annealing: queryKey }, continueFrom: file });
    expect(other.sha256).not.toBe(whole.sha256);
  });

  it('goes on only from the end of the same training', async () => {
    const { annealing, ...training } = annealed;
    const { saved } = await run({ recipe: training }, 5);
    await expect(run({ recipe: annealed, continueFrom: saved[0]! })).rejects.toThrow('stands at step 5');
    const other = { ...annealed, weightDecay: 0 };
    await expect(run({ recipe: other, continueFrom: saved.at(-1)! })).rejects.toThrow(
      expect.objectContaining({
        code: 'TRAINER_CONFIG_MISMATCH',
        message: expect.stringContaining('weightDecay'),
      }),
    );
  });
});

describe('gradients that are not finite', () => {
  /** This thread, whose gradients of one parameter are NaN from some step on, while the loss is finite. */
  const spoiled = (from: number): QuantizationWorkers => ({
    count: 1,
    start(loss) {
      const { valueAndGradients, close } = thisThread.start(loss);
      let step = 0;
      return {
        close,
        async valueAndGradients(...given) {
          const result = await valueAndGradients(...given);
          if (++step < from) return result;
          const gradient = result.gradients.get('norm.bias')!;
          const nan = fill(gradient.shape, Number.NaN);
          gradient.dispose();
          return { ...result, gradients: new Map(result.gradients).set('norm.bias', nan) };
        },
      };
    },
  });

  it.each([
    ['in training', recipe, 3, 3],
    ['in annealing', { ...annealed, epochs: 1, cooldownEpochs: 0 }, 5, 5],
  ] as const)('%s end the run before they reach a weight, with their names', async (_, changed, from, at) => {
    const before = memory().numTensors;
    const queryKey = { ...annealed.annealing!, queryKey: false };
    const saved: Checkpoint[] = [];
    const store = { save: async (checkpoint: Checkpoint) => `checkpoint ${saved.push(checkpoint)}` };
    const ended = run({
      recipe: { ...changed, ...('annealing' in changed && { annealing: queryKey }) },
      workers: spoiled(from),
      checkpoints: { store, everySteps: 1 },
    });
    await expect(ended).rejects.toThrow(
      expect.objectContaining({
        code: 'TRAINER_GRADIENTS_NOT_FINITE',
        message: expect.stringContaining('"norm.bias"'),
      }),
    );
    expect(saved.at(-1)!.position.globalStep).toBe(at - 1);
    expect(memory().numTensors).toBe(before);
  });
});

describe('resumed anywhere', () => {
  const freezing = {
    design: designOf('lsq', 'plain'),
    recipe: {
      ...recipe,
      epochs: 2,
      against: { method: 'freezing', momentum: 0.1, threshold: { from: 0.2, to: 0.05 } },
    },
  } as const;

  it.each([
    ['in training', { recipe: annealed }, 5],
    ['in annealing', { recipe: annealed }, 14],
    ['with iterative freezing', freezing, 7],
  ] as const)('%s, it ends in the same bits and tells the same of oscillation', async (_, change, at) => {
    const watched = { ...change, oscillation: { everySteps: 3 } };
    const whole = await run(watched, 1);
    const resume = await parseCheckpoint(await serializeCheckpoint(whole.saved[at - 1]!), 'x');
    const rest = await run({ ...watched, resume });
    expect(rest.sha256).toBe(whole.sha256);
    const records = ({ events }: Run) =>
      events.filter((event) => event.kind === 'oscillation' && event.step > at);
    expect(records(rest)).toEqual(records(whole));
    expect(records(rest).length).toBeGreaterThan(0);
    // Watching changes nothing.
    expect((await run(change)).sha256).toBe(whole.sha256);
  });
});

describe('oscillation', () => {
  it('is told of every weight in the blocks, of the product of queries and keys too', async () => {
    const { events } = await run({ recipe: annealed, oscillation: { everySteps: 4 } });
    const told = events.flatMap((event) => (event.kind === 'oscillation' ? [event] : []));
    expect(told.map(({ step }) => step)).toEqual([4, 8, 12, 16]);
    const { record } = told.at(-1)!;
    expect(record.layers.map(({ name }) => name).sort()).toEqual(
      [
        'blocks.0.attn.qk',
        'blocks.0.attn.v.weight',
        'blocks.0.attn.proj.weight',
        'blocks.0.mlp.fc1.weight',
        'blocks.0.mlp.fc2.weight',
      ].sort(),
    );
    for (const { name, steps, histogram, gradientTurns } of record.layers) {
      expect(steps).toBe(16);
      expect(histogram?.counts.some((count) => count > 0)).toBe(true);
      expect(gradientTurns === null).toBe(name.endsWith('.qk'));
    }
    expect(record.layers.reduce((sum, { flipsSoFar }) => sum + flipsSoFar, 0)).toBeGreaterThan(0);
  });
});
