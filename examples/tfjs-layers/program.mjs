// A program that knows nothing of our kernels: it trains a model of tf.layers on handwritten digits with the wasm backend.
// Run by compare.mjs; prints one JSON line.
import '@proj/ops/gradients'; // what a bundler finds in tfjs-core itself; without it no program trains under Node
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { digits } from './digits.mjs';

const [name, count, epochs] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

let seed = 0;
/** The same start each time. */
const start = () => ({ kernelInitializer: layers.initializers.glorotUniform({ seed: ++seed }) });
const dense = (units, activation) => layers.layers.dense({ units, activation, ...start() });

/** The rows of an image as tokens that attend to each other. */
function attention() {
  const rows = layers.input({ shape: [28, 28] });
  const tokens = dense(192, 'relu').apply(rows);
  const [queries, keys, values] = [dense(192), dense(192), dense(192)].map((layer) => layer.apply(tokens));
  const scores = layers.layers.dot({ axes: [2, 2] }).apply([queries, keys]);
  const weights = layers.layers.activation({ activation: 'softmax' }).apply(scores);
  const attended = layers.layers.dot({ axes: [2, 1] }).apply([weights, values]);
  const hidden = dense(768, 'relu').apply(attended);
  const image = layers.layers.globalAveragePooling1d().apply(hidden);
  return layers.model({ inputs: rows, outputs: dense(10, 'softmax').apply(image) });
}

/** Two convolutions with pooling. */
function convolutions() {
  const convolution = (filters) =>
    layers.layers.conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu', ...start() });
  const pool = () => layers.layers.maxPooling2d({ poolSize: 2 });
  const image = layers.input({ shape: [28, 28] });
  const parts = [
    layers.layers.reshape({ targetShape: [28, 28, 1] }),
    convolution(32),
    pool(),
    convolution(64),
    layers.layers.batchNormalization(),
    pool(),
    layers.layers.flatten(),
    dense(10, 'softmax'),
  ];
  return layers.model({ inputs: image, outputs: parts.reduce((x, layer) => layer.apply(x), image) });
}

await tf.setBackend('wasm');
const model = { attention, convolutions }[name]();
model.compile({ optimizer: tf.train.adam(1e-3), loss: 'categoricalCrossentropy' });

const { images, labels } = digits(count);
const x = tf.tensor3d(images, [count, 28, 28]);
const y = tf.tensor2d(labels, [count, 10]);
const begin = performance.now();
const { history } = await model.fit(x, y, { batchSize: 100, epochs, shuffle: false, verbose: 0 });
const seconds = (performance.now() - begin) / 1000;
console.log(JSON.stringify({ seconds, losses: history.loss }));
