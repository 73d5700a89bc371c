import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import { type ImageDataset, memoryDataset } from '@proj/datasets';
import { random } from '@proj/random';
import { type StateDict, stateSha256 } from '@proj/tensor-io';
import { fromTensors } from '@proj/tensor-io/tfjs';
import type { Checkpoint } from '@proj/trainer';
import { type VitConfig, vitConfigs } from '@proj/vit';
import { ofqPlan, type QuantizedDesign } from '@proj/vit/quantized';
import { dispose, memory, setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { trainClassifier } from '../train.ts';
import type { QuantizeEvent } from './events.ts';
import type { QuantizeClassifierOptions } from './options.ts';
import { quantizeClassifier } from './quantize-classifier.ts';
import type { QuantizationRecipe } from './recipe.ts';

const config: VitConfig = { ...vitConfigs.vit_digits_28, classes: 2, depth: 1, embedDim: 32, heads: 2 };
const ofq: QuantizedDesign = { plan: ofqPlan(config, 2), weights: 'statsq', attention: 'qkr' };
const recipe: QuantizationRecipe = {
  seed: 3,
  epochs: 9,
  cooldownEpochs: 1,
  batchSize: 16,
  learningRate: 2e-3,
  minLearningRate: 1e-4,
  warmupEpochs: 1,
  warmupLearningRate: 1e-4,
  scheduled: 'step',
  weightDecay: 0.05,
  labels: 'data',
};

/** Bright on the left or on the right, with noise. */
function halves(count: number, seed: number): ImageDataset {
  const draws = random(seed);
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  const images = new Uint8Array(count * 784);
  for (let i = 0; i < images.length; i++) {
    const bright = i % 28 < 14 === (labels[Math.floor(i / 784)] === 0);
    images[i] = (bright ? 150 : 40) + draws.integer(60);
  }
  return memoryDataset({
    name: 'halves',
    height: 28,
    width: 28,
    channels: 1,
    classNames: ['left', 'right'],
    images,
    labels,
  });
}

let start: StateDict;
const dataset = halves(64, 1);

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
  const checkpoints = { store, everySteps };
  const events: QuantizeEvent[] = [];
  const losses: number[] = [];
  for await (const event of quantizeClassifier({
    config,
    design: ofq,
    start,
    recipe,
    dataset,
    checkpoints,
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

beforeAll(async () => {
  await setBackend('wasm');
  for await (const event of trainClassifier({
    config,
    dataset,
    recipe: { ...recipe, epochs: 30 },
  })) {
    if (event.kind !== 'done') continue;
    start = await fromTensors(event.parameters);
    dispose([...event.parameters.values()]);
  }
});

describe('quantizeClassifier', () => {
  it('learns at 2 bits, and leaves nothing but what it hands over', async () => {
    const before = memory().numTensors;
    const { losses, events, parameters, sha256 } = await run();
    expect(events.slice(0, 2).map(({ kind }) => kind)).toEqual(['calibrated', 'start']);
    expect(losses).toHaveLength(40);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.3);
    expect(await stateSha256(parameters)).toBe(sha256);
    expect(memory().numTensors).toBe(before);
  });
});
