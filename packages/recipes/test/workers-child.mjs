// node workers-child.mjs: trains a small classifier with one worker, with two, and with kernels that no worker can have;
// prints for each the losses and how it ended, as a line of JSON.
import '@proj/ops/gradients';
import { memoryDataset } from '@proj/datasets';
import { vitConfigs } from '@proj/vit';
import '@proj/wasm-kernels/install';
import { setBackend, unregisterKernel } from '@tensorflow/tfjs-core';
import { trainClassifier } from '../dist/index.js';
import { classifierWorkers } from '../dist/node.js';

await setBackend('wasm');

const labels = Array.from({ length: 34 }, (_, i) => i % 2);
const dataset = memoryDataset({
  name: 'halves',
  height: 28,
  width: 28,
  channels: 1,
  classNames: ['left', 'right'],
  images: Uint8Array.from({ length: 34 * 784 }, (_, i) =>
    i % 28 < 14 === (labels[Math.floor(i / 784)] === 0) ? 200 : i % 50,
  ),
  labels,
});
const recipe = {
  seed: 1,
  epochs: 3,
  batchSize: 17,
  learningRate: 1e-3,
  minLearningRate: 1e-5,
  warmupEpochs: 1,
  weightDecay: 0.05,
};

/** @param {number} count */
async function losses(count) {
  const config = { ...vitConfigs.vit_digits_28, classes: 2, depth: 1 };
  const found = [];
  const workers = classifierWorkers(count);
  for await (const event of trainClassifier({ config, recipe, dataset, workers })) {
    if (event.kind === 'step') found.push(event.loss);
  }
  return found;
}

console.log(JSON.stringify(await losses(1)));
console.log(JSON.stringify(await losses(2)));
// The model does without it, but from now on not all kernels are ours.
unregisterKernel('MaxPoolGrad', 'wasm');
console.log(JSON.stringify(await losses(2).catch(({ code, message }) => ({ code, message }))));
