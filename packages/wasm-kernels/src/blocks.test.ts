import '@proj/ops/gradients';
import { attentionBlock, mlpBlock } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import './install.ts';

const names = [
  'x',
  'norm.weight',
  'norm.bias',
  'first.weight',
  'first.bias',
  'last.weight',
  'last.bias',
  'mask',
];

/** Value and gradients of a branch on a backend, of repeatable values. */
async function results(backend: string, branch: Branch): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  return tf.tidy(() => {
    const inputs = branch.shapes.map((shape, seed) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return tf.tensor(
        Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * (seed + 1.37))),
        shape,
      );
    });
    const value = branch.run(...inputs);
    const dy = tf.cos(inputs[0]!);
    const gradients = tf.grads(branch.run)(inputs, dy);
    return [value, ...gradients].map((tensor) => tensor.dataSync() as Float32Array);
  });
}

interface Branch {
  readonly shapes: number[][];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
}

const mlp = (batch: number, tokens: number, channels: number, width: number): Branch => ({
  shapes: [
    [batch, tokens, channels],
    [channels],
    [channels],
    [width, channels],
    [width],
    [channels, width],
    [channels],
  ],
  run: (x, weight, bias, weight1, bias1, weight2, bias2) =>
    mlpBlock(
      x!,
      {
        norm: { weight: weight!, bias: bias! },
        fc1: { weight: weight1!, bias: bias1! },
        fc2: { weight: weight2!, bias: bias2! },
      },
      1e-2,
    ),
});

const attention = (
  batch: number,
  tokens: number,
  heads: number,
  size: number,
  mask?: readonly number[],
): Branch => {
  const channels = heads * size;
  return {
    shapes: [
      [batch, tokens, channels],
      [channels],
      [channels],
      [3 * channels, channels],
      [3 * channels],
      [channels, channels],
      [channels],
      ...(mask === undefined ? [] : [[...mask]]),
    ],
    run: (x, weight, bias, weightIn, biasIn, weightOut, biasOut, mask) =>
      attentionBlock(
        x!,
        {
          norm: { weight: weight!, bias: bias! },
          qkv: { weight: weightIn!, bias: biasIn! },
          proj: { weight: weightOut!, bias: biasOut! },
        },
        heads,
        1e-2,
        mask,
      ),
  };
};

async function agree(branch: Branch): Promise<void> {
  const expected = await results('cpu', branch);
  const received = await results('wasm', branch);
  for (const [which, values] of received.entries()) {
    const wanted = expected[which]!;
    expect(values.length).toBe(wanted.length);
    const magnitude = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
    expect(worst / magnitude, which === 0 ? 'value' : names[which - 1]).toBeLessThan(2e-5);
  }
}

const small = fc.integer({ min: 1, max: 9 });

describe('a branch as one step of the tape agrees with its composed form, value and gradients', () => {
  it('mlpBlock', async () => {
    await fc.assert(
      fc.asyncProperty(small, small, small, small, (...sizes) => agree(mlp(...sizes))),
      { numRuns: 15, seed: 8 },
    );
  });

  it('attentionBlock', async () => {
    await fc.assert(
      fc.asyncProperty(small, small, fc.integer({ min: 1, max: 3 }), small, (...sizes) =>
        agree(attention(...sizes)),
      ),
      { numRuns: 15, seed: 9 },
    );
  });

  it('attentionBlock with a mask of each head, of all, or of as many as divide the batch', async () => {
    const masks = [[5, 5], [5], [2, 5, 5], [1, 2, 1, 5], [3, 2, 5, 5], [3, 1, 5, 5], [6, 2, 5, 5]];
    for (const mask of masks) await agree(attention(6, 5, 2, 3, mask));
  });
});

describe('a branch of many rows, which the kernels take some hundreds at a time,', () => {
  it('agrees with its composed form', async () => {
    const branches = [
      mlp(1, 500, 5, 7),
      mlp(3, 201, 4, 9),
      mlp(1, 481, 3, 6),
      mlp(960, 1, 3, 5),
      mlp(1, 600, 40, 700),
      attention(9, 65, 2, 3),
      attention(2, 243, 1, 2),
      attention(481, 1, 1, 4),
      attention(14, 70, 2, 3, [7, 2, 70, 70]),
    ];
    for (const branch of branches) await agree(branch);
  });
});

describe('a branch', () => {
  it('keeps nothing where no gradient is wanted, and nothing is left behind', async () => {
    await tf.setBackend('wasm');
    for (const branch of [mlp(2, 3, 8, 16), attention(2, 3, 2, 4)]) {
      const inputs = branch.shapes.map((shape) => tf.ones(shape));
      const before = tf.memory().numTensors;
      branch.run(...inputs).dispose();
      expect(tf.memory().numTensors).toBe(before);
      tf.dispose(tf.grads(branch.run)(inputs));
      expect(tf.memory().numTensors).toBe(before);
      tf.dispose(inputs);
    }
  });

  it('refuses parameters that do not fit, naming all shapes', async () => {
    const { shapes, run } = mlp(2, 3, 8, 16);
    const inputs = shapes.map((shape) => tf.ones(shape));
    inputs[3] = tf.ones([16, 7]);
    expect(() => run(...inputs)).toThrow(
      expect.objectContaining({
        code: 'OPS_SHAPE_MISMATCH',
        message: expect.stringContaining('expected x [..., C], not empty, with norm [C], fc1 [16, C]'),
      }),
    );
    const heads = attention(1, 2, 2, 3);
    const [x, ...rest] = heads.shapes.map((shape) => tf.ones(shape));
    const affine = (i: number) => ({ weight: rest[i]!, bias: rest[i + 1]! });
    const parameters = { norm: affine(0), qkv: affine(2), proj: affine(4) };
    expect(() => attentionBlock(x!, parameters, 4, 1e-6)).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }),
    );
    const mask = tf.zeros([3, 2, 2, 2]);
    expect(() => attentionBlock(x!, parameters, 2, 1e-6, mask)).toThrow(
      expect.objectContaining({
        code: 'OPS_SHAPE_MISMATCH',
        message: expect.stringContaining('broadcasts to [1, 2, 2, 2], got mask [3, 2, 2, 2]'),
      }),
    );
    mask.dispose();
    expect(() => attentionBlock(x!, parameters, 2, 0)).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }),
    );
    const empty = tf.zeros([0, 2, 6]);
    expect(() => attentionBlock(empty, parameters, 2, 1e-6)).toThrow(
      expect.objectContaining({ code: 'OPS_SHAPE_MISMATCH' }),
    );
    tf.dispose([...inputs, x!, ...rest, empty]);
  });
});
