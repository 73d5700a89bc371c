// Run by gradients.test.ts in a Node process of its own, on the built package: every operation's registered gradient against
// finite differences. Prints one JSON line.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import '@proj/ops/gradients';

await tf.setBackend('cpu');

const x = (...shape) =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(3 * i + 1)),
    shape,
  );
const positive = (...shape) => tf.add(tf.square(x(...shape)), 0.5);

/** name -> [function, inputs] */
const operations = {
  add: [(a, b) => tf.add(a, b), [x(2, 3, 4), x(1, 3, 4)]],
  sub: [(a, b) => tf.sub(a, b), [x(2, 3), x(3)]],
  mul: [(a, b) => tf.mul(a, b), [x(2, 3), x(2, 1)]],
  div: [(a, b) => tf.div(a, b), [x(2, 3), positive(3)]],
  pow: [(a, b) => tf.pow(a, b), [positive(2, 3), x(2, 3)]],
  square: [tf.square, [x(5)]],
  sqrt: [tf.sqrt, [positive(5)]],
  rsqrt: [tf.rsqrt, [positive(5)]],
  exp: [tf.exp, [x(5)]],
  log: [tf.log, [positive(5)]],
  tanh: [tf.tanh, [x(5)]],
  sigmoid: [tf.sigmoid, [x(5)]],
  erf: [tf.erf, [x(5)]],
  relu: [tf.relu, [x(5)]],
  neg: [tf.neg, [x(5)]],
  abs: [tf.abs, [x(5)]],
  clip: [(a) => tf.clipByValue(a, -0.7, 0.7), [x(5)]],
  maximum: [(a, b) => tf.maximum(a, b), [x(2, 3), tf.neg(x(2, 3))]],
  where: [(a, b) => tf.where(tf.tensor2d([[1, 0, 1]], [1, 3], 'bool'), a, b), [x(1, 3), tf.neg(x(1, 3))]],
  sum: [(a) => tf.sum(a, 1), [x(2, 3, 2)]],
  mean: [(a) => tf.mean(a, [0, 2], true), [x(2, 3, 2)]],
  max: [(a) => tf.max(a, 1), [x(2, 4)]],
  min: [(a) => tf.min(a, 1), [x(2, 4)]],
  moments: [(a) => tf.moments(a, 1).variance, [x(2, 4)]],
  softmax: [tf.softmax, [x(2, 4)]],
  logSoftmax: [tf.logSoftmax, [x(2, 4)]],
  reshape: [(a) => tf.square(tf.reshape(a, [3, 4])), [x(2, 6)]],
  transpose: [(a) => tf.square(tf.transpose(a, [2, 0, 1])), [x(2, 3, 2)]],
  slice: [(a) => tf.square(tf.slice(a, [0, 1, 0], [2, 1, 4])), [x(2, 3, 4)]],
  concat: [(a, b) => tf.square(tf.concat([a, b], 1)), [x(2, 1, 3), x(2, 2, 3)]],
  stack: [(a, b) => tf.square(tf.stack([a, b])), [x(3), x(3)]],
  tile: [(a) => tf.square(tf.tile(a, [2, 3])), [x(2, 2)]],
  broadcastTo: [(a) => tf.square(tf.broadcastTo(a, [4, 3])), [x(1, 3)]],
  expandDims: [(a) => tf.square(tf.expandDims(a, 1)), [x(4)]],
  pad: [
    (a) =>
      tf.square(
        tf.pad(a, [
          [1, 0],
          [0, 2],
        ]),
      ),
    [x(2, 2)],
  ],
  cast: [(a) => tf.square(tf.cast(a, 'float32')), [x(3)]],
  matMul: [(a, b) => tf.matMul(a, b, false, true), [x(2, 3), x(4, 3)]],
  batchNorm: [(a, m, v, o, s) => tf.batchNorm(a, m, v, o, s), [x(4, 3), x(3), positive(3), x(3), x(3)]],
  avgPool: [(a) => tf.avgPool(a, 2, 1, 'valid'), [x(1, 3, 3, 1)]],
  maxPool: [(a) => tf.maxPool(a, 2, 1, 'valid'), [x(1, 3, 3, 2)], ['cpu']],
  maxPool3d: [(a) => tf.maxPool3d(a, 2, 1, 'valid'), [x(1, 2, 3, 3, 1)], ['cpu']],
  conv2d: [(a, f) => tf.conv2d(a, f, 1, 'same'), [x(1, 3, 3, 2), x(2, 2, 2, 2)], ['cpu']],
  gather: [(a) => tf.gather(a, tf.tensor1d([1, 0, 1], 'int32')), [x(2, 3)], ['cpu']],
};

const results = {};
for (const backend of ['cpu', 'wasm']) {
  await tf.setBackend(backend);
  for (const [name, [f, inputs, only]] of Object.entries(operations)) {
    if (only?.includes(backend) === false) continue;
    try {
      results[`${name} on ${backend}`] = worst(f, inputs);
    } catch (error) {
      results[`${name} on ${backend}`] = String(error);
    }
  }
}

// tfjs-wasm's own kernels for max pooling, which are wrong.
const refusals = {};
for (const name of ['maxPool', 'maxPool3d']) {
  try {
    worst(...operations[name]);
  } catch (error) {
    refusals[name] = `${error.code} ${error.message}`;
  }
}
console.log(JSON.stringify({ results, refusals }));

/** Largest difference between a gradient and central differences of the weighted sum of the outputs. */
function worst(f, inputs) {
  const weights = tf.cos(tf.range(0, f(...inputs).size));
  const loss = (...given) => tf.sum(tf.mul(tf.reshape(f(...given), [-1]), weights));
  const gradients = tf.grads(loss)(inputs);
  const h = 2 ** -7;
  let largest = 0;
  inputs.forEach((input, i) => {
    const values = input.dataSync();
    const received = gradients[i].dataSync();
    values.forEach((_, at) => {
      const lossAt = (shift) => {
        const moved = values.slice();
        moved[at] += shift;
        return loss(
          ...inputs.map((other, j) => (j === i ? tf.tensor(moved, input.shape) : other)),
        ).dataSync()[0];
      };
      largest = Math.max(largest, Math.abs((lossAt(h) - lossAt(-h)) / (2 * h) - received[at]));
    });
  });
  return largest;
}
