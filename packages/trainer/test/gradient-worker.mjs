// What dataParallel starts in the tests: the classifier of mlp.mjs, which fails as it is told.
import '@proj/ops/gradients';
import '@tensorflow/tfjs-backend-wasm';
import { setBackend } from '@tensorflow/tfjs-core';
import { tapeGradients } from '../dist/index.js';
import { serveGradients } from '../dist/node.js';
import { mlpLoss } from './mlp.mjs';

await setBackend('wasm');

/** @param {{ fail?: 'throws' | 'exits', step?: number }} data the kind of failure, and in which step, from 1 */
function make({ fail, step }) {
  const gradients = tapeGradients(mlpLoss);
  let steps = 0;
  /** @type {typeof gradients} */
  return (parameters, buffers, batch) => {
    steps++;
    if (steps === step && fail === 'throws') throw new RangeError('the worker met its fate');
    if (steps === step && fail === 'exits') process.exit(7);
    return gradients(parameters, buffers, batch);
  };
}

serveGradients(make);
