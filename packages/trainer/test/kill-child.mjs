// node kill-child.mjs CHECKPOINT: trains or goes on training, with a checkpoint after every step; one line of JSON per event.
import '@proj/ops/gradients';
import '@tensorflow/tfjs-backend-wasm';
import { writeSync } from 'node:fs';
import { setBackend } from '@tensorflow/tfjs-core';
import { adamw, cosine, tapeGradients, train } from '../dist/index.js';
import { checkpointFile } from '../dist/node.js';
import { mlpBuffers, mlpLoss, mlpParameters, noisyPatterns } from './mlp.mjs';

const path = /** @type {string} */ (process.argv[2]);
await setBackend('wasm');
const store = checkpointFile(path);
const events = train({
  parameters: mlpParameters(1, 512),
  buffers: mlpBuffers(),
  valueAndGradients: tapeGradients(mlpLoss),
  optimizer: adamw({ learningRate: cosine({ base: 3e-3, min: 0, warmup: 20, warmupFrom: 0, total: 120 }) }),
  epochs: 4,
  stepsPerEpoch: 30,
  batch: (epoch, step) => noisyPatterns(1, 32, epoch, step),
  config: { seed: 1 },
  checkpoints: { store, everySteps: 1 },
  resume: await store.load(),
});
for await (const event of events) {
  const { kind, step } = event;
  const loss = event.kind === 'step' ? event.loss : undefined;
  const sha256 = event.kind === 'done' ? event.sha256 : undefined;
  // Synchronously, so that a line that was written was also sent.
  writeSync(1, `${JSON.stringify({ kind, step, loss, sha256 })}\n`);
}
