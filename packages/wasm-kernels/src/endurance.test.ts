import {
  adamwStep,
  attention,
  attentionBlock,
  attentionPacked,
  batchNormTraining,
  crossEntropy,
  gelu,
  globalNorm,
  layerNorm,
  linear,
  lsq,
  mlpBlock,
  softmax,
  statsq,
} from '@proj/ops';
import '@proj/ops/gradients';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { heapMemory } from '../test/heap-memory.ts';
import { heapOf, type WasmBackend } from './heap.ts';
import './install.ts';

const [BATCH, TOKENS, CHANNELS] = [2, 3, 4];

const SHAPES = {
  weight: [CHANNELS],
  bias: [CHANNELS],
  qkv: [3 * CHANNELS, CHANNELS],
  qkvBias: [3 * CHANNELS],
  mask: [TOKENS, TOKENS],
  projection: [CHANNELS, CHANNELS],
  step: [1],
};
type Name = keyof typeof SHAPES;
const NAMES = Object.keys(SHAPES) as Name[];

const wave = (shape: readonly number[], seed: number): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 0.5 + 0.4 * Math.sin(i + seed)),
    [...shape],
  );

/** A model that runs every fused operation once, and its optimizer. */
class Training {
  readonly #x = wave([BATCH, TOKENS, CHANNELS], 5);
  readonly #targets = tf.tensor1d([0, 1, 2, 3, 0, 1], 'int32');
  #parameters = NAMES.map((name, i) => wave(SHAPES[name], i));
  #expAvgs = this.#parameters.map((p) => tf.zerosLike(p));
  #expAvgSqs = this.#parameters.map((p) => tf.zerosLike(p));
  #running = { mean: tf.zeros([CHANNELS]), variance: tf.ones([CHANNELS]) };
  #steps = 0;

  /** Takes a step and returns the loss and the gradients' norm. */
  step(): [number, number] {
    const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => this.#loss(tensors))(
      this.#parameters,
    );
    const norm = globalNorm(grads);
    const numbers: [number, number] = [value.dataSync()[0]!, norm.dataSync()[0]!];
    tf.dispose([value, norm]);
    const stepped = adamwStep(
      {
        parameters: this.#parameters,
        gradients: grads,
        expAvgs: this.#expAvgs,
        expAvgSqs: this.#expAvgSqs,
      },
      {
        learningRate: 1e-3,
        step: ++this.#steps,
        betas: [0.9, 0.999],
        eps: 1e-8,
        weightDecays: NAMES.map(() => 0),
      },
    );
    this.#parameters = [...stepped.parameters];
    this.#expAvgs = [...stepped.expAvgs];
    this.#expAvgSqs = [...stepped.expAvgSqs];
    return numbers;
  }

  #loss(tensors: tf.Tensor[]): tf.Tensor {
    const parameters = Object.fromEntries(NAMES.map((name, i) => [name, tensors[i]!]));
    const { weight, bias, qkv, qkvBias, mask, projection, step } = parameters as Record<Name, tf.Tensor>;
    const affine = { weight, bias };
    const square = { weight: projection, bias };
    const packed = linear(
      layerNorm(this.#x, weight, bias, 1e-5),
      statsq(qkv, { bits: 4, groups: 1, inner: qkv.size }),
      qkvBias,
    );
    const attended = gelu(attentionPacked(packed, 2, 0.7, mask), 'tanh');
    const { y, mean, variance } = batchNormTraining(attended, weight, bias, {
      ...this.#running,
      eps: 1e-5,
      momentum: 0.1,
    });
    tf.dispose(this.#running);
    this.#running = { mean: tf.keep(mean), variance: tf.keep(variance) };
    const quantized = lsq(gelu(y), step, { inner: y.size, low: -8, high: 7, gradientScale: 0.1 });
    const blocks = mlpBlock(
      attentionBlock(quantized, { norm: affine, qkv: { weight: qkv, bias: qkvBias }, proj: square }, 2, 1e-5),
      { norm: affine, fc1: square, fc2: square },
      1e-5,
    );
    const mixed = attention(blocks, blocks, quantized, 0.5, mask);
    const logits = tf.add(mixed, softmax(mixed, { scale: 2, mask: bias }));
    return crossEntropy(tf.reshape(logits, [BATCH * TOKENS, CHANNELS]), this.#targets);
  }
}

it('10,000 steps of training leave tensors, heap and allocations as they were', {
  timeout: 120_000,
}, async () => {
  await tf.setBackend('wasm');
  const backend = tf.backend() as unknown as WasmBackend;
  heapOf(backend);
  tf.dispose(tf.ones([1])); // Emscripten's _free puts another in its place when it is first called.
  const { _malloc: malloc, _free: free } = backend.wasm;
  let open = 0;
  let allocations = 0;
  backend.wasm._malloc = (bytes) => {
    open++;
    allocations++;
    return malloc(bytes);
  };
  backend.wasm._free = (offset) => {
    open--;
    free(offset);
  };
  const training = new Training();
  const state = () => ({ open, bytes: heapMemory().buffer.byteLength, ...tf.memory() });
  const [first] = training.step();
  for (let i = 1; i < 100; i++) training.step();
  const before = state();
  const counted = allocations;
  let last = first;
  for (let i = 100; i < 10_000; i++) {
    const [loss, norm] = training.step();
    last = loss;
    if (!Number.isFinite(norm)) expect.fail(`the gradients are not finite at step ${i}`);
  }
  expect(state()).toEqual(before);
  expect(allocations - counted).toBeGreaterThan(9_900 * 50);
  expect(last).toBeLessThan(0.9 * first);
});
