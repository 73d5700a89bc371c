import { memoryDataset } from '@proj/datasets';
import { random } from '@proj/random';
import { vitConfigs } from '@proj/vit';

/** One small block. @type {import('@proj/vit').VitConfig} */
export const config = { ...vitConfigs.vit_digits_28, classes: 2, depth: 1, embedDim: 32, heads: 2 };

/** @type {import('@proj/recipes').QuantizationRecipe} */
export const recipe = {
  seed: 3,
  epochs: 5,
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

/**
 * Bright on the left or on the right, with noise.
 *
 * @param {number} count
 * @param {number} seed
 */
export function halves(count, seed) {
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
