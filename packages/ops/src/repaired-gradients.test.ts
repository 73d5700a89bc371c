import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import './gradients.ts';

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Values that lie well apart from each other and from zero, so that no small step crosses a kink. */
const values = (shape: readonly number[], seed = 1): tf.Tensor =>
  tf.tensor(
    Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      (_, i) => ((7 * i + 3 * seed) % 23) / 8 - 1.19 + seed / 97,
    ),
    [...shape],
  );

/** Holds the gradients of a weighted sum of the outputs against central differences. */
function check(run: Operation, ...inputs: tf.Tensor[]): void {
  tf.tidy(() => {
    const weights = tf.cos(tf.range(0, run(...inputs).size));
    const loss = (...given: tf.Tensor[]): tf.Tensor =>
      tf.sum(tf.mul(tf.reshape(run(...given), [-1]), weights));
    const gradients = tf.grads(loss)(inputs);
    const h = 2 ** -7;
    inputs.forEach((input, which) => {
      const gradient = gradients[which]!;
      expect(gradient.shape).toEqual(input.shape);
      const data = input.dataSync();
      const received = gradient.dataSync();
      for (const at of data.keys()) {
        const along = (step: number): number => {
          const moved = data.slice();
          moved[at]! += step;
          const given = inputs.map((other, i) => (i === which ? tf.tensor(moved, input.shape) : other));
          return loss(...given).dataSync()[0]!;
        };
        expect(received[at]).toBeCloseTo((along(h) - along(-h)) / (2 * h), 2);
      }
    });
  });
}

beforeAll(() => tf.setBackend('cpu'));

describe('@proj/ops/gradients puts right what tfjs-core differentiates wrongly or not at all', () => {
  it.each([
    ['maximum', tf.maximum],
    ['minimum', tf.minimum],
    ['squaredDifference', tf.squaredDifference],
  ] as const)('tf.%s of operands that are broadcast', (_, operation) => {
    const run: Operation = (a, b) => operation(a!, b!);
    check(run, values([2, 3]), values([3], 2));
    check(run, values([1, 3]), values([2, 1], 2));
    check(run, values([], 3), values([4], 2));
    check(run, values([2, 3]), values([2, 3], 2));
  });

  it('tf.matMul of operands that are broadcast, transposed or not', () => {
    for (const ta of [false, true]) {
      for (const tb of [false, true]) {
        const [a, b] = [ta ? [4, 3] : [3, 4], tb ? [2, 4] : [4, 2]];
        const product: Operation = (a, b) => tf.matMul(a!, b!, ta, tb);
        check(product, values([2, ...a]), values(b, 2));
        check(product, values(a), values([2, ...b], 2));
        check(product, values([2, 3, ...a]), values(b, 2));
        check(product, values([2, ...a]), values([2, ...b], 2));
      }
    }
  });

  it('tf.where of a comparison of what is differentiated', () => {
    for (const compare of [tf.greater, tf.greaterEqual, tf.less, tf.lessEqual, tf.equal, tf.notEqual]) {
      check((x, y) => tf.where(compare(x!, y!), tf.square(x!), y!), values([2, 3]), values([2, 3], 2));
      check((x) => tf.where(compare(x!, 0), tf.mul(x!, 3), x!), values([5]));
    }
    check(
      (x) => tf.where(tf.logicalAnd(tf.greater(x!, -1), tf.logicalNot(tf.greater(x!, 1))), tf.square(x!), x!),
      values([7]),
    );
    check((x) => tf.where(tf.logicalOr(tf.less(x!, -1), tf.less(x!, 0)), tf.square(x!), x!), values([7]));
  });

  it('tf.cumsum along every axis', () => {
    for (const [exclusive, reverse] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      for (const axis of [0, 1, 2]) {
        check((x) => tf.square(tf.cumsum(x!, axis, exclusive, reverse)), values([2, 3, 4]));
        // A square one is transposed by tfjs-core without an error.
        check((x) => tf.square(tf.cumsum(x!, axis, exclusive, reverse)), values([2, 2, 2]));
      }
    }
  });

  it('tf.cumsum along an axis counted from the end is refused where the kernel went wrong', () => {
    const x = values([2, 3]);
    expect(() => tf.grad((x) => tf.cumsum(x, -1))(x)).toThrow(
      expect.objectContaining({
        code: 'OPS_WRONG_KERNEL',
        message: expect.stringContaining('pass the axis as 1'),
      }),
    );
  });

  it('tf.prod along every axis, also of zeros', () => {
    for (const axis of [undefined, 0, 1, -1, [0, 2], [1, 2], [-1, 0]]) {
      check((x) => tf.prod(x!, axis), values([2, 3, 2]));
      check((x) => tf.prod(x!, axis, true), tf.mul(values([2, 3, 2]), tf.tensor([1, 0])));
    }
  });

  it.each([
    'ij,jk->ik',
    'ij,kj->ki',
    'bqhd,bkhd->bhqk',
    'bhqk,bkhd->bqhd',
    'i,i->',
    'i,j->ij',
    'ijk->ki',
    'ij->',
    'ijk,kj->i',
  ])('tf.einsum: %s', (equation) => {
    const sizes: Record<string, number> = { b: 2, q: 2, k: 3, h: 2, d: 2, i: 2, j: 3 };
    const terms = equation.split('->')[0]!.split(',');
    check(
      (...operands) => tf.einsum(` ${equation}`, ...operands),
      ...terms.map((term, i) =>
        values(
          [...term].map((label) => sizes[label]!),
          i + 1,
        ),
      ),
    );
  });

  it('tf.avgPool and tf.avgPool3d of windows that reach into the padding', () => {
    for (const pad of ['same', 'valid', 1] as const) {
      const rounding = pad === 1 ? 'floor' : undefined;
      check((x) => tf.avgPool(x as tf.Tensor4D, 3, 2, pad, rounding), values([1, 5, 4, 2]));
      check((x) => tf.avgPool(x as tf.Tensor4D, [2, 3], 1, pad, rounding), values([1, 3, 4, 1]));
      check((x) => tf.avgPool3d(x as tf.Tensor5D, 2, 2, pad, rounding), values([1, 3, 4, 5, 1]));
    }
  });

  it('refusing what tfjs computes wrongly', async () => {
    const refused = expect.objectContaining({ code: 'OPS_WRONG_KERNEL' });
    const mirrored = (x: tf.Tensor): tf.Tensor => tf.mirrorPad(x, [[1, 1]], 'reflect');
    expect(() => tf.grad(mirrored)(values([4]))).toThrow(refused);
    const nearest = (x: tf.Tensor): tf.Tensor =>
      tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [3, 5]) as tf.Tensor;
    const volume = (x: tf.Tensor): tf.Tensor =>
      tf.conv3d(x as tf.Tensor5D, tf.ones([2, 2, 2, 1, 1]), 1, 'same') as tf.Tensor;
    const dilated = (x: tf.Tensor): tf.Tensor =>
      tf.dilation2d(x as tf.Tensor4D, values([2, 2, 1]) as tf.Tensor3D, 1, 'same') as tf.Tensor;
    expect(() => tf.grad(nearest)(values([1, 2, 2, 1]))).toThrow(refused);
    check((x) => volume(x!), values([1, 2, 3, 2, 1]));
    check((x) => dilated(x!), values([1, 3, 3, 1]));
    await tf.setBackend('wasm');
    expect(() => tf.grad(volume)(values([1, 2, 3, 2, 1]))).toThrow(refused);
    expect(() => tf.grad(dilated)(values([1, 3, 3, 1]))).toThrow(refused);
    check((x) => nearest(x!), values([1, 2, 2, 1]));
    await tf.setBackend('cpu');
  });

  it('leaving no tensor behind', () => {
    const x = values([2, 3]);
    const y = values([3]);
    const before = tf.memory().numTensors;
    for (const operation of [tf.maximum, tf.minimum, tf.squaredDifference]) {
      tf.dispose(tf.grads((x, y) => operation(tf.cumsum(x, 0), y))([x, y]));
      expect(tf.memory().numTensors).toBe(before);
    }
  });
});
