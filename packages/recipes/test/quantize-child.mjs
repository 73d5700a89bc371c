// node quantize-child.mjs CHECKPOINT WORKERS: quantizes a small classifier, annealing included, from where the checkpoint stands;
// prints `step N` after every step and `done SHA256 LOSS` at the end.
import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { checkpointFile } from '@proj/trainer/node';
import { initVit } from '@proj/vit';
import { ofqPlan } from '@proj/vit/quantized';
import { setBackend } from '@tensorflow/tfjs-core';
import { quantizeClassifier } from '../dist/index.js';
import { quantizationWorkers } from '../dist/node.js';
import { config, halves, recipe } from './halves.mjs';

await setBackend('wasm');
const [path, workers] = process.argv.slice(2);
const store = checkpointFile(path);
let loss = Number.NaN;
for await (const event of quantizeClassifier({
  config,
  design: { plan: ofqPlan(config, 2), weights: 'statsq', attention: 'qkr' },
  start: await fromTensors(initVit(config, 1)),
  recipe: {
    ...recipe,
    epochs: 3,
    annealing: { epochs: 2, boundaryRange: 0.02, queryKey: true },
  },
  dataset: halves(68, 1),
  workers: quantizationWorkers(Number(workers)),
  checkpoints: { store, everySteps: 3 },
  oscillation: { everySteps: 5 },
  resume: await store.load(),
})) {
  if (event.kind === 'step') {
    loss = event.loss;
    console.log(`step ${event.step}`);
  }
  if (event.kind === 'done') console.log(`done ${event.sha256} ${loss}`);
}
