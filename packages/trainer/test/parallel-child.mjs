// node parallel-child.mjs RUNS: does some trainings one after another, each { workers, checkpoint, fail, step, module, leaveAt },
// and prints how each ended as a line of JSON.
import '@proj/ops/gradients';
import '@tensorflow/tfjs-backend-wasm';
import { memory, setBackend } from '@tensorflow/tfjs-core';
import { sgd, tapeGradients, train } from '../dist/index.js';
import { checkpointFile, dataParallel } from '../dist/node.js';
import { mlpBuffers, mlpLoss, mlpParameters, noisyPatterns } from './mlp.mjs';

/**
 * @typedef {object} Run
 * @property {number} [workers] without it, dataParallel is not used
 * @property {string} checkpoint
 * @property {string} [module]
 * @property {number} [leaveAt] leave the training at this step and forget the workers
 * @property {'throws' | 'exits'} [fail]
 * @property {number} [step]
 */

await setBackend('wasm');
for (const run of /** @type {Run[]} */ (JSON.parse(process.argv[2] ?? '[]'))) {
  console.log(JSON.stringify(await train1(run)));
}

/** @param {Run} run */
async function train1({ workers, checkpoint, module = './gradient-worker.mjs', leaveAt, ...data }) {
  const plain = { valueAndGradients: tapeGradients(mlpLoss), close: async () => {} };
  const parallel =
    workers === undefined
      ? plain
      : dataParallel({ ...plain, workers, module: new URL(module, import.meta.url), data });
  const store = checkpointFile(checkpoint);
  const losses = [];
  const before = memory().numTensors;
  let leftOver;
  try {
    const events = train({
      parameters: mlpParameters(1, 16),
      buffers: mlpBuffers(),
      valueAndGradients: parallel.valueAndGradients,
      optimizer: sgd({ learningRate: 0.1 }),
      epochs: 2,
      stepsPerEpoch: 4,
      batch: (epoch, step) => noisyPatterns(1, 25, epoch, step),
      config: { workers: workers ?? 1 },
      checkpoints: { store, everySteps: 1 },
      resume: await store.load(),
    });
    for await (const event of events) {
      if (event.kind === 'step') losses.push(event.loss);
      if (event.step === leaveAt) return { losses };
      if (event.kind !== 'done') continue;
      leftOver = memory().numTensors - before - event.parameters.size - event.buffers.size;
      await parallel.close();
      return { losses, sha256: event.sha256, leftOver };
    }
  } catch (error) {
    const { code, message } = /** @type {Error & { code: string }} */ (error);
    return { losses, code, message, leftOver: memory().numTensors - before };
  }
  throw new Error('the training did not end');
}
