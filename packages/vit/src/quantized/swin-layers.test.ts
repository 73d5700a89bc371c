import '@proj/ops/gradients';
import { type OfqCase, ofqCase } from '@proj/fixtures';
import { type StateDict, tensorData } from '@proj/tensor-io';
import { fromTensors } from '@proj/tensor-io/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { drawnWeights } from '../../test/golden-swin.ts';
import { drawn, toTensor, toTensors } from '../../test/models.ts';
import { describeEverywhere } from '../../test/places.ts';
import { design, tinyConfig } from '../../test/quantized-swin-cases.ts';
import { quantizedSwin64 } from '../../test/quantized-swin64.ts';
import { Quantizers64 } from '../../test/quantizers64.ts';
import { swin, swinBuffers, swinConfigs, swinParameters } from '../forward.ts';
import { initSwin } from '../init.ts';
import {
  calibrate,
  formatPlan,
  fromReference,
  ofqPlan,
  quantizableLayers,
  quantizedFromFloat,
  quantizedParameters,
  quantizedSwinLayers,
  qWindowAttention,
} from './index.ts';

const images = (count: number): tf.Tensor => toTensor(drawn(7, 'images', [count, 3, 16, 16], 1));
const released = (...groups: (ReadonlyMap<string, tf.Tensor> | tf.Tensor)[]): void => {
  tf.dispose(groups.map((group) => (group instanceof tf.Tensor ? group : [...group.values()])));
};

describeEverywhere('a quantized Swin Transformer', () => {
  it("has the reference's window attention, with every gradient", () => {
    const entry = ofqCase('swin_attn_qkr_w2a2');
    const live = (name: string): tf.Tensor => {
      const { shape, data } = entry.tensors.get(name)!;
      return tf.tensor(Float32Array.from(data), [...shape]);
    };
    const names = [...entry.tensors.keys()].filter((name) => name.startsWith('param.'));
    const bits = { weight: 2, activation: 2 } as const;
    const window = { side: 8, size: 4, shift: 2, bias: 'attn.relative_position_bias_table' };
    const spec = {
      attn: 'attn',
      heads: 3,
      weights: 'statsq',
      attention: 'qkr',
      bits,
      proj: bits,
      window,
    } as const;
    tf.tidy(() => {
      const run = (x: tf.Tensor, ...values: tf.Tensor[]): tf.Tensor =>
        qWindowAttention(
          x,
          new Map(names.map((name, i) => [name.replace('param', 'attn'), values[i]!])),
          spec,
        );
      const inputs: [tf.Tensor, ...tf.Tensor[]] = [live('x'), ...names.map(live)];
      expectNear(entry, 'y', run(...inputs));
      const [dx, ...gradients] = tf.grads(run as (...inputs: tf.Tensor[]) => tf.Tensor)(inputs, live('g'));
      expectNear(entry, 'dx', dx!);
      for (const [i, name] of names.entries()) {
        expectNear(entry, name.replace('param', 'grad'), gradients[i]!);
      }
    });
  });

  it('starts each step on what the quantized layers before it make of the images, and sees that these are signed', () => {
    const float = initSwin(tinyConfig, 3);
    const x = images(2);
    const { parameters, buffers } = calibrate(tinyConfig, design('w4a4'), float, x);
    const start = new Quantizers64(
      new Map(
        [...parameters].map(([name, tensor]) => [
          name,
          { shape: tensor.shape, data: Float64Array.from(tensor.dataSync()) },
        ]),
      ),
    );
    start.mode = 'start';
    const input = { shape: x.shape, data: Float64Array.from(x.dataSync()) };
    swin(tinyConfig, quantizedSwin64(tinyConfig, design('w4a4'), start), input);
    expect([...start.started.keys()].sort()).toEqual(
      [...parameters.keys()].filter((name) => name.endsWith('.s')).sort(),
    );
    for (const [name, steps] of start.started) {
      const found = parameters.get(name)!.dataSync();
      const error = Math.max(...steps.map((step, i) => Math.abs(found[i]! / step - 1)));
      expect({ name, error: error < 1e-5 ? 0 : error }).toEqual({ name, error: 0 });
    }
    expect([...buffers].map(([name, flag]) => [name, flag.dataSync()[0]])).toEqual([
      ['features.0.0.input_quant_fn.signed', 1],
    ]);
    released(float, x, parameters, buffers);
  });

  it.each(['qkr', 'plain'] as const)(
    'learns, with %s attention, and leaves no tensor behind',
    (attention) => {
      // Not a fresh model: even attention starts at 0 with 2 bits, where 1 / N is sqrt(3) / 4 steps, and values learn nothing behind it.
      const float = toTensors(drawnWeights(tinyConfig));
      const x = images(4);
      const plan = design('w2a2', { attention });
      const { parameters, buffers } = calibrate(tinyConfig, plan, float, x);
      const names = [...parameters.keys()];
      const labels = tf.tensor2d([
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 1, 0],
      ]);
      const loss = (...values: tf.Tensor[]): tf.Tensor => {
        const live = new Map(names.map((name, i) => [name, values[i]!]));
        const logits = swin(tinyConfig, quantizedSwinLayers(tinyConfig, plan, live, buffers), x);
        return tf.neg(tf.mean(tf.sum(tf.mul(labels, tf.logSoftmax(logits)), 1)));
      };
      const before = tf.memory().numTensors;
      let values = [...parameters.values()];
      const losses: number[] = [];
      for (let step = 0; step < 4; step++) {
        const next = tf.tidy(() => {
          const gradients = tf.grads(loss)(values);
          losses.push(loss(...values).dataSync()[0]!);
          const length = tf.sqrt(tf.addN(gradients.map((g) => tf.sum(tf.square(g)))));
          const still = names.filter((_, i) => gradients[i]!.dataSync().every((value) => value === 0));
          expect(still).toEqual([]);
          return values.map((value, i) => tf.sub(value, tf.mul(gradients[i]!, tf.div(0.05, length))));
        });
        tf.dispose(values);
        values = next;
      }
      expect(losses.at(-1)!).toBeLessThan(losses[0]!);
      expect(tf.memory().numTensors).toBe(before);
      tf.dispose(values);
      released(float, x, buffers, labels);
    },
  );

  it('gives CGA the product of queries and keys of every attention, by its name', () => {
    const float = initSwin(tinyConfig, 3);
    const x = images(1);
    const { parameters, buffers } = calibrate(tinyConfig, design('w2a2'), float, x);
    const seen: [string, number[]][] = [];
    const merged = (product: tf.Tensor, attn: string): tf.Tensor => {
      seen.push([attn, product.shape]);
      return product;
    };
    tf.dispose(
      tf.tidy(() =>
        swin(tinyConfig, quantizedSwinLayers(tinyConfig, design('w2a2'), parameters, buffers, { merged }), x),
      ),
    );
    expect(seen).toEqual([
      ['features.1.0.attn', [16, 8]],
      ['features.1.1.attn', [16, 8]],
      ['features.3.0.attn', [64, 16]],
    ]);
    released(float, x, parameters, buffers);
  });
});

describe('the parameters of a quantized Swin Transformer', () => {
  const { swin_t: config } = swinConfigs;
  const plan = { ...design('w2a2'), plan: ofqPlan(config, 2) };
  const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

  it('are those of Swin-T, without the biases of queries and keys, with steps, offsets and biases of mergers', () => {
    const float = swinParameters(config).reduce((sum, { shape }) => sum + size(shape), 0);
    expect(float).toBe(28_288_354);
    // Per block of width C, H heads and a map of side S: offsets of x, z, v and proj, of fc1 and fc2; steps of 49 tokens for x, proj and
    // the probabilities, 49 H for z, C for v, S for fc1 and fc2.
    const block = (c: number, h: number, s: number): number =>
      -2 * c + 2 * (3 * c + h * c) + 2 * (c + 4 * c) + 3 * 49 + 49 * h + c + 2 * s;
    const merger = (c: number, s: number): number => 2 * c + 2 * 4 * c + s / 2;
    const added =
      2 * block(96, 3, 56) +
      2 * block(192, 6, 28) +
      6 * block(384, 12, 14) +
      2 * block(768, 24, 7) +
      merger(96, 56) +
      merger(192, 28) +
      merger(384, 14) +
      // Steps of channels, of outputs, and two offsets a pixel; steps of features and classes, and two offsets a feature.
      (3 + 96 + 2 * 224 ** 2) +
      (1 + 1000 + 2 * 768);
    const parameters = quantizedParameters(config, plan);
    expect(parameters.reduce((sum, { shape }) => sum + size(shape), 0)).toBe(float + added);
    expect(new Set(parameters.map(({ name }) => name)).size).toBe(parameters.length);
  });

  it('have bits by the names of the quantized model: 8 at both ends, the plan anywhere else', () => {
    expect(quantizableLayers(config)).toHaveLength(1 + 12 * 4 + 3 + 1);
    const table = formatPlan(config, plan);
    expect(table).toMatch(/^features\.0\.0 +w8a8 +features\.0\.0$/m);
    expect(table).toMatch(/^features\.1\.0\.mlp\.fc2 +w2a2 +default$/m);
    expect(table).toMatch(/^features\.2\.reduction +w2a2 +default$/m);
    expect(table).toMatch(/^head +w8a8 +head$/m);
  });

  it("come from torchvision's: tables of positions copied, mergers' biases 0, MLPs under the reference's names", () => {
    const before = tf.memory().numTensors;
    const float = initSwin(tinyConfig, 3);
    const made = quantizedFromFloat(tinyConfig, design('w2a2'), float);
    const values = (from: ReadonlyMap<string, tf.Tensor>, name: string) => [...from.get(name)!.dataSync()];
    for (const [name, source] of [
      ['features.1.1.attn.relative_position_bias_table', 'features.1.1.attn.relative_position_bias_table'],
      ['features.1.1.mlp.fc1.weight', 'features.1.1.mlp.0.weight'],
      ['features.1.1.mlp.fc2.weight', 'features.1.1.mlp.3.weight'],
      ['features.2.reduction.weight', 'features.2.reduction.weight'],
    ] as const) {
      expect(values(made, name), name).toEqual(values(float, source));
    }
    expect(new Set(values(made, 'features.2.reduction.bias'))).toEqual(new Set([0]));
    expect([...made.keys()]).toEqual(quantizedParameters(tinyConfig, design('w2a2')).map(({ name }) => name));
    released(float, made);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("come from a reference checkpoint, which also holds StatsQ's constants and torchvision's index; nothing else may be there", async () => {
    const float = initSwin(tinyConfig, 3);
    const made = quantizedFromFloat(tinyConfig, design('w2a2'), float);
    const state = new Map<string, StateDict extends ReadonlyMap<string, infer V> ? V : never>(
      [...(await fromTensors(made))].map(([name, data]) => [`module.${name}`, data]),
    );
    const flag = tensorData('F32', [1], Float32Array.of(1));
    state.set('module.features.0.0.input_quant_fn.signed', flag);
    for (const { name, shape } of swinBuffers(tinyConfig)) {
      state.set(`module.${name}`, tensorData('I64', shape, new BigInt64Array(size(shape))));
    }
    for (const module of ['features.1.0.attn.qk_quant', 'features.1.0.mlp.fc1.statsq_fn']) {
      state.set(`module.${module}.clip_val`, tensorData('F32', [], Float32Array.of(2)));
    }
    const before = tf.memory().numTensors;
    const { parameters, buffers } = fromReference(tinyConfig, design('w2a2'), state);
    for (const [name, tensor] of parameters) {
      expect([...tensor.dataSync()], name).toEqual([...made.get(name)!.dataSync()]);
    }
    expect(parameters.size).toBe(made.size);
    expect([...buffers.values()].map((tensor) => tensor.dataSync()[0])).toEqual([1]);
    released(parameters, buffers);
    expect(tf.memory().numTensors).toBe(before);
    state.set('module.features.2.reduction.extra', flag);
    expect(() => fromReference(tinyConfig, design('w2a2'), state)).toThrow(
      expect.objectContaining({
        code: 'VIT_PARAMETERS_MISMATCH',
        message: expect.stringContaining('features.2.reduction.extra'),
      }),
    );
    expect(tf.memory().numTensors).toBe(before);
    released(float, made);
  });
});

/** Section 10 of the specification's tolerance: 1e-5 of the largest value, or 20 times the reference's own noise. */
function expectNear(entry: OfqCase, name: string, received: tf.Tensor): void {
  const { shape, data } = entry.tensors.get(name)!;
  expect(received.shape, name).toEqual(shape);
  const largest = Math.max(...Array.from(data, Math.abs));
  const noise = entry.f32_noise_max_abs[name.startsWith('grad.') ? 'grad_params' : name]!;
  const values = received.dataSync();
  const difference = Math.max(...Array.from(data, (value, i) => Math.abs(value - values[i]!)));
  const within = difference <= Math.max(1e-5 * largest, 20 * noise);
  expect({ name, within, difference }).toEqual({ name, within: true, difference });
}
