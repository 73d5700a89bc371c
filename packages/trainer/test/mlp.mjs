// A small classifier and its data, used by the tests here and by the child processes that they kill.
import { crossEntropy, gelu, layerNorm, linear } from '@proj/ops';
import { random } from '@proj/random';
import { add, mean, mul, ones, tensor, zeros } from '@tensorflow/tfjs-core';

const CLASSES = 10;
const PIXELS = 64;

/** @typedef {import('@proj/ops').NamedTensors} NamedTensors */
/** @typedef {import('@tensorflow/tfjs-core').Tensor} Tensor */

/**
 * @param {number} seed
 * @param {number} width
 * @returns {Map<string, Tensor>}
 */
export function mlpParameters(seed, width) {
  /** @type {(name: string, shape: [number, number]) => [string, Tensor]} */
  const weight = (name, [rows, columns]) => {
    const { normal } = random(seed, 'parameters', name);
    return [
      name,
      tensor(
        Float32Array.from({ length: rows * columns }, () => normal() / Math.sqrt(columns)),
        [rows, columns],
      ),
    ];
  };
  return new Map([
    weight('fc1.weight', [width, PIXELS]),
    ['fc1.bias', zeros([width])],
    ['norm.weight', ones([width])],
    ['norm.bias', zeros([width])],
    weight('head.weight', [CLASSES, width]),
    ['head.bias', zeros([CLASSES])],
  ]);
}

/** @returns {Map<string, Tensor>} */
export function mlpBuffers() {
  return new Map([['input.running_mean', zeros([PIXELS])]]);
}

/**
 * @param {NamedTensors} parameters
 * @param {Tensor} images float32 [B, 64]
 * @returns {Tensor} logits [B, 10]
 */
export function mlpLogits(parameters, images) {
  /** @type {(name: string) => Tensor} */
  const at = (name) => /** @type {Tensor} */ (parameters.get(name));
  const hidden = linear(images, at('fc1.weight'), at('fc1.bias'));
  const normed = layerNorm(gelu(hidden), at('norm.weight'), at('norm.bias'), 1e-6);
  return linear(normed, at('head.weight'), at('head.bias'));
}

/**
 * Cross-entropy, and a running mean of the images as a model with batch statistics keeps one.
 * @param {NamedTensors} parameters
 * @param {NamedTensors} buffers
 * @param {{ images: Tensor, targets: Tensor }} batch
 */
export function mlpLoss(parameters, buffers, { images, targets }) {
  const old = /** @type {Tensor} */ (buffers.get('input.running_mean'));
  const running = add(mul(old, 0.9), mul(mean(images, 0), 0.1));
  return {
    loss: crossEntropy(mlpLogits(parameters, images), targets),
    buffers: new Map([['input.running_mean', running]]),
  };
}

/**
 * Ten patterns of 8 x 8 pixels under noise. A pure function of its arguments.
 * @param {number} seed
 * @param {number} size
 * @param {readonly (string | number)[]} path
 */
export function noisyPatterns(seed, size, ...path) {
  const patterns = Array.from({ length: CLASSES }, (_, label) => {
    const { normal } = random(seed, 'pattern', label);
    return Float32Array.from({ length: PIXELS }, normal);
  });
  const draw = random(seed, 'batch', ...path);
  const labels = Int32Array.from({ length: size }, () => draw.integer(CLASSES));
  const images = new Float32Array(size * PIXELS);
  for (const [i, label] of labels.entries()) {
    const pattern = /** @type {Float32Array} */ (patterns[label]);
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      images[i * PIXELS + pixel] = /** @type {number} */ (pattern[pixel]) + 1.5 * draw.normal();
    }
  }
  return { images: tensor(images, [size, PIXELS]), targets: tensor(labels, [size], 'int32') };
}
