import '@proj/ops/gradients';
import { random } from '@proj/random';
import { floatLayers, initVit, type VitConfig, vit, vitConfig } from '@proj/vit';
import { install, kernelReport } from '@proj/wasm-kernels/install';
import { setBackend, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { adamw, type Batch, cosine, crossEntropy, tapeGradients, train } from '../src/index.ts';

/** What 200 steps from seed 1 end in, on every engine; a change of a kernel's rounding or order of summation changes it. */
const GOLDEN = '16a3c6ff72467ae7dbb0a4476e3b07923b4dbce0fa67dd4f463c1a61a3344e2f';

const STEPS = 200;
const BATCH = 7;

/** Widths, heads and tokens that no tile and no vector of 4 divides evenly. */
const config: VitConfig = {
  ...vitConfig('vit_cifar_32'),
  name: 'golden',
  imageSize: 18,
  patchSize: 6,
  channels: 3,
  embedDim: 42,
  depth: 2,
  heads: 3,
  classes: 5,
  mlpRatio: 2,
};

/** Noisy images of five patterns, of uniform draws alone, which are the same on every engine. */
function batch(seed: number, epoch: number, step: number): Batch {
  const size = config.channels * config.imageSize ** 2;
  const images = new Float32Array(BATCH * size);
  const draws = random(seed, 'golden batch', epoch, step);
  const labels = Array.from({ length: BATCH }, () => draws.integer(config.classes));
  for (const [i, label] of labels.entries()) {
    const pattern = random(seed, 'golden pattern', label);
    for (let at = 0; at < size; at++) images[i * size + at] = pattern.uniform() - 2 * draws.uniform() + 0.5;
  }
  return {
    images: tensor(images, [BATCH, config.channels, config.imageSize, config.imageSize]),
    targets: tensor(labels, [BATCH], 'int32'),
  };
}

async function trained(seed: number): Promise<{ sha256: string; losses: number[] }> {
  const losses: number[] = [];
  const events = train({
    parameters: initVit(config, seed),
    valueAndGradients: tapeGradients<Batch>((parameters, _, { images, targets }) =>
      crossEntropy(vit(config, floatLayers(parameters), images), targets),
    ),
    optimizer: adamw({
      learningRate: cosine({ base: 0.002, min: 0, warmup: 20, warmupFrom: 0, total: STEPS }),
      weightDecay: 0.05,
    }),
    epochs: 1,
    stepsPerEpoch: STEPS,
    batch: (epoch, step) => batch(seed, epoch, step),
  });
  for await (const event of events) {
    if (event.kind === 'step') losses.push(event.loss);
    if (event.kind === 'done') return { sha256: event.sha256, losses };
  }
  throw new Error('ended early');
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('200 training steps of a small ViT with the reproducible kernels', () => {
  beforeAll(async () => {
    await setBackend('wasm');
    install({ flavour: 'reproducible' });
    expect(kernelReport()).toMatchObject({ flavour: 'reproducible', backend: 'wasm' });
  });

  it('give the committed SHA-256 of the weights', async () => {
    const { sha256, losses } = await trained(1);
    expect(losses).toHaveLength(STEPS);
    expect(mean(losses.slice(-20))).toBeLessThan(0.5 * mean(losses.slice(0, 20)));
    expect(sha256).toBe(GOLDEN);
  });

  it('give another from another seed', async () => {
    expect((await trained(2)).sha256).not.toBe(GOLDEN);
  });
});
