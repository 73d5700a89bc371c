import '@proj/ops/gradients';
import {
  lsq,
  type QuantizedAffine,
  quantizedAttention,
  quantizedAttentionBlock,
  quantizedLinear,
  quantizedMlp,
  statsq,
} from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { availableFlavour } from './flavour.ts';
import { flavourInForce, useFlavour } from './heap.ts';
import './install.ts';
import type { Flavour } from './module.ts';

type Run = (inputs: Readonly<Record<string, tf.Tensor>>) => tf.Tensor;
type Inputs = Readonly<Record<string, readonly number[]>>;

const relaxed = availableFlavour('relaxed') === 'relaxed';
const flavours: Flavour[] = relaxed ? ['reproducible', 'relaxed', 'wide'] : ['reproducible'];
const BAD = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
// Two vectors of the kernels and a rest, in two images; two heads of 11 channels.
const [BATCH, TOKENS, WIDTH, HIDDEN, HEADS] = [2, 3, 22, 10, 2];
const two = { low: -2, high: 1, gradientScale: 0.3 };

const layer = (
  inputs: Readonly<Record<string, tf.Tensor>>,
  suffix: string,
  inner: number,
): QuantizedAffine => ({
  weight: inputs[`weight${suffix}`]!,
  bias: inputs[`bias${suffix}`]!,
  step: inputs[`step${suffix}`]!,
  offsets: { before: inputs[`before${suffix}`]!, after: inputs[`after${suffix}`]! },
  input: { ...two, inner },
  bits: 2,
});
const layerInputs = (suffix: string, out: number, width: number, steps = TOKENS): Inputs => ({
  [`weight${suffix}`]: [out, width],
  [`bias${suffix}`]: [out],
  [`step${suffix}`]: [steps],
  [`before${suffix}`]: [width],
  [`after${suffix}`]: [width],
});
const x = { x: [BATCH, TOKENS, WIDTH] };
const probabilities = { heads: HEADS, scale: 0.3, high: 3, gradientScale: 0.2 };

/** Every operation that quantizes, and its inputs. */
const operations: Readonly<Record<string, readonly [Run, Inputs]>> = {
  'lsq per token': [
    ({ x, step, before, after }) =>
      lsq(x!, step!, { ...two, inner: WIDTH }, { before: before!, after: after! }),
    { ...x, step: [TOKENS], before: [WIDTH], after: [WIDTH] },
  ],
  'lsq per channel': [({ x, step }) => lsq(x!, step!, { ...two, inner: 1 }), { ...x, step: [WIDTH] }],
  statsq: [
    ({ weight }) => statsq(weight!, { bits: 2, groups: HIDDEN, inner: WIDTH }),
    { weight: [HIDDEN, WIDTH] },
  ],
  quantizedLinear: [
    (inputs) => quantizedLinear(inputs['x']!, layer(inputs, '', WIDTH)),
    { ...x, ...layerInputs('', HIDDEN, WIDTH) },
  ],
  quantizedMlp: [
    (inputs) => quantizedMlp(inputs['x']!, layer(inputs, '1', WIDTH), layer(inputs, '2', HIDDEN)),
    { ...x, ...layerInputs('1', HIDDEN, WIDTH), ...layerInputs('2', WIDTH, HIDDEN) },
  ],
  quantizedAttention: [
    ({ x, k, v, step }) => quantizedAttention(x!, k!, v!, step!, probabilities),
    { ...x, k: [BATCH, TOKENS, HEADS * WIDTH], v: [BATCH, TOKENS, WIDTH], step: [TOKENS] },
  ],
  quantizedAttentionBlock: [
    (inputs) => {
      const keys = layer(inputs, 'K', WIDTH);
      return quantizedAttentionBlock(inputs['x']!, {
        tokens: layer(inputs, 'X', WIDTH),
        keys,
        values: layer(inputs, 'V', 1),
        probabilities: { ...probabilities, step: inputs['step']! },
        proj: layer(inputs, 'P', WIDTH),
      });
    },
    {
      ...x,
      stepX: [TOKENS],
      beforeX: [WIDTH],
      afterX: [WIDTH],
      weightK: [HEADS * WIDTH, WIDTH],
      stepK: [TOKENS * HEADS],
      beforeK: [HEADS * WIDTH],
      afterK: [HEADS * WIDTH],
      ...layerInputs('V', WIDTH, WIDTH, WIDTH),
      ...layerInputs('P', WIDTH, WIDTH),
      step: [TOKENS],
    },
  ],
};

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Waves around 0, and positive steps around 0.5. */
function make(
  inputs: Inputs,
  change: (name: string, values: Float32Array) => void,
): Record<string, tf.Tensor> {
  const tensors = Object.entries(inputs).map(([name, shape], seed) => {
    const positive = name.startsWith('step');
    const values = Float32Array.from({ length: size(shape) }, (_, i) => {
      const wave = Math.sin((i + 1) * (seed + 0.7));
      return positive ? 0.5 + 0.2 * wave : wave;
    });
    change(name, values);
    return [name, tf.tensor(values, [...shape])] as const;
  });
  return Object.fromEntries(tensors);
}

/** Value and gradients. */
function run(operation: Run, inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor[] {
  const names = Object.keys(inputs);
  const f = (...tensors: tf.Tensor[]): tf.Tensor =>
    operation(Object.fromEntries(names.map((name, i) => [name, tensors[i]!])));
  return [f(...Object.values(inputs)), ...tf.grads(f)(Object.values(inputs))];
}

const finite = (tensor: tf.Tensor): boolean => tensor.dataSync().every((value) => Number.isFinite(value));

const engines = [...flavours.map((flavour) => ['wasm', flavour] as const), ['cpu', 'composed'] as const];

describe.each(engines)('on %s, %s, nothing that quantizes', (backend, flavour) => {
  const before = flavourInForce();
  beforeAll(async () => {
    await tf.setBackend(backend);
    if (flavour !== 'composed') useFlavour(flavour);
  });
  afterAll(() => useFlavour(before));

  describe.each(Object.entries(operations))('%s', (_, [operation, inputs]) => {
    it.each(Object.keys(inputs))('makes a level of a NaN or an infinity in %s', (spoilt) => {
      const elements = size(inputs[spoilt]!);
      // In a whole vector, in the rest behind, and in the last image or row.
      for (const at of new Set([
        0,
        Math.min(5, elements - 1),
        Math.min(WIDTH - 1, elements - 1),
        elements - 1,
      ])) {
        for (const bad of BAD) {
          tf.tidy(() => {
            const tensors = make(inputs, (name, values) => {
              if (name === spoilt) values[at] = bad;
            });
            expect(finite(operation(tensors)), `${bad} at ${at} of ${spoilt}`).toBe(false);
          });
        }
      }
    });

    it('makes a NaN of zeros, in value or gradient', () => {
      for (const zero of Object.keys(inputs)) {
        tf.tidy(() => {
          const all = make(inputs, (name, values) => {
            if (name === zero) values.fill(0);
          });
          const row = make(inputs, (name, values) => {
            if (name === zero) values.fill(0, 0, inputs[name]!.at(-1)!);
          });
          for (const tensors of [all, row]) {
            for (const [i, tensor] of run(operation, tensors).entries()) {
              expect(finite(tensor), `${zero} of zeros, ${i === 0 ? 'value' : `gradient ${i}`}`).toBe(true);
            }
          }
        });
      }
    });
  });
});
