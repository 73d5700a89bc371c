import { random } from '@proj/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS } from '../test/check.ts';
import { lsq } from './lsq.ts';

interface Layout {
  readonly shape: readonly number[];
  readonly groups: number;
  readonly inner: number;
  /** 0 for no offsets. */
  readonly period: number;
}

const two = { low: -2, high: 1, gradientScale: 0.3 };

/** LSQ and its gradients in float64 and plain loops. */
function definition(
  { groups, inner, period }: Layout,
  { low, high, gradientScale }: typeof two,
  [x, step, before, after]: Float64Array[],
  g: Float64Array,
) {
  const even = (v: number): number => {
    const down = Math.floor(v);
    if (v - down !== 0.5) return Math.round(v);
    return down % 2 === 0 ? down : down + 1;
  };
  const y = new Float64Array(x!.length);
  const gradients = [x!, step!, before!, after!].map(({ length }) => new Float64Array(length));
  const [dx, dStep, dBefore, dAfter] = gradients as [Float64Array, Float64Array, Float64Array, Float64Array];
  for (let i = 0; i < y.length; i++) {
    const group = Math.floor(i / inner) % groups;
    const at = period === 0 ? 0 : i % period;
    const s = Math.max(step![group]!, 1e-5);
    const v = (x![i]! + (period === 0 ? 0 : before![at]!)) / s;
    const within = v >= low && v <= high;
    const r = even(Math.min(Math.max(v, low), high));
    y[i] = r * s + (period === 0 ? 0 : after![at]!);
    dx[i] = within ? g[i]! : 0;
    dStep[group]! += gradientScale * g[i]! * (r - (within ? v : 0));
    if (period === 0) continue;
    dBefore[at]! += dx[i]!;
    dAfter[at]! += g[i]!;
  }
  return [y, ...gradients.slice(0, period === 0 ? 2 : 4)];
}

const draws = (name: string, size: number, of: (normal: number) => number = (x) => x): Float64Array => {
  const stream = random(3, name);
  return Float64Array.from({ length: size }, () => Math.fround(of(stream.normal())));
};

describe.each(BACKENDS)('lsq on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each<[string, Layout]>([
    ['per token', { shape: [2, 5, 7], groups: 5, inner: 7, period: 7 }],
    [
      'per token and head, offsets for each channel of each head',
      { shape: [2, 5, 12], groups: 15, inner: 4, period: 12 },
    ],
    ['per channel', { shape: [2, 5, 7], groups: 7, inner: 1, period: 7 }],
    ['per row of probabilities', { shape: [2, 3, 5, 6], groups: 5, inner: 6, period: 0 }],
    ['per image channel, offsets for each pixel', { shape: [2, 3, 4, 5], groups: 3, inner: 20, period: 20 }],
    ['one step for all', { shape: [3, 8], groups: 1, inner: 24, period: 8 }],
    ['per row of a weight', { shape: [4, 3, 2, 2], groups: 4, inner: 12, period: 0 }],
  ])('quantizes %s, with its gradients', (_, layout) => {
    const { shape, groups, inner, period } = layout;
    const size = shape.reduce((a, b) => a * b, 1);
    const values = [
      draws('x', size),
      draws('step', groups, (x) => 0.4 + 0.1 * x),
      draws('before', period, (x) => 0.3 * x),
      draws('after', period),
    ];
    const g = draws('g', size);
    const live = values.map((value) => tf.tensor1d(Float32Array.from(value)));
    const run = (x: tf.Tensor, step: tf.Tensor, before?: tf.Tensor, after?: tf.Tensor): tf.Tensor =>
      lsq(x, step, { ...two, inner }, before && after && { before, after });
    const inputs = [tf.reshape(live[0]!, [...shape]), ...live.slice(1, period === 0 ? 2 : 4)];
    const gradients = tf.grads(run as (...inputs: tf.Tensor[]) => tf.Tensor)(
      inputs,
      tf.tensor(Float32Array.from(g), [...shape]),
    );
    const received = [run(inputs[0]!, inputs[1]!, inputs[2], inputs[3]), ...gradients];
    const expected = definition(layout, two, values, g);
    expect(received.length).toBe(expected.length);
    received.forEach((tensor, which) => {
      expect(tensor.shape).toEqual(which === 0 ? shape : inputs[which - 1]!.shape);
      const values = tensor.dataSync() as Float32Array;
      const worst = values.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - expected[which]![i]!)),
        0,
      );
      expect(worst).toBeLessThan(2e-6 * Math.max(1, ...expected[which]!.map(Math.abs)));
    });
  });

  it('rounds half to even, and passes gradients at both bounds', () => {
    const x = tf.tensor1d([-3, -2.5, -2, -1.5, -0.5, 0.5, 1, 1.5]);
    const step = tf.tensor1d([1]);
    const spec = { ...two, inner: 8 };
    expect([...lsq(x, step, spec).dataSync()].map((y) => y + 0)).toEqual([-2, -2, -2, -2, 0, 0, 1, 1]);
    const [dx] = tf.grads((x, step) => lsq(x!, step!, spec))([x, step], tf.ones([8]));
    expect([...dx!.dataSync()]).toEqual([0, 0, 1, 1, 1, 1, 1, 0]);
  });

  it('takes steps below 1e-5 for 1e-5', () => {
    const y = lsq(tf.tensor1d([3e-5, 3e-5]), tf.tensor1d([-1, 0]), { ...two, inner: 1 });
    expect([...y.dataSync()]).toEqual([Math.fround(1e-5), Math.fround(1e-5)]);
  });

  it('hides no NaN and no infinity behind its bounds, of elements, steps and gradients', () => {
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const x = tf.tensor1d([1, ...bad]);
    const finite = (y: tf.Tensor): boolean[] => [...y.dataSync()].map(Number.isFinite);
    expect(finite(lsq(x, tf.tensor1d([1]), { ...two, inner: 4 }))).toEqual([true, false, false, false]);
    expect(finite(lsq(tf.ones([4]), x, { ...two, inner: 1 }))).toEqual([true, false, false, false]);
    const step = (dy: tf.Tensor, x: tf.Tensor) =>
      tf.grads((x, step) => lsq(x!, step!, { ...two, inner: 1 }))([x, tf.ones([4])], dy)[1]!;
    expect(finite(step(tf.ones([4]), x))).toEqual([true, false, false, false]);
    expect(finite(step(x, tf.fill([4], 0.7)))).toEqual([true, false, false, false]);
  });

  it('refuses layouts and levels that are none', () => {
    const [x, step] = [tf.zeros([2, 6]), tf.ones([3])];
    const spec = { ...two, inner: 2 };
    const offsets = (before: number, after: number) => ({
      before: tf.zeros([before]),
      after: tf.zeros([after]),
    });
    expect(() => lsq(x, tf.ones([5]), spec)).toThrow(
      'lsq with inner = 2: expected step [G] and x of a multiple of G inner elements, got x [2, 6], step [5].',
    );
    expect(() => lsq(x, step, spec, offsets(4, 4))).toThrow('P a multiple or a divisor of inner');
    expect(() => lsq(x, step, { ...spec, inner: 4 }, offsets(6, 6))).toThrow(
      'P a multiple or a divisor of inner',
    );
    expect(() => lsq(x, step, spec, offsets(2, 6))).toThrow('before [2], after [6]');
    expect(() => lsq(tf.zeros([2, 6], 'int32'), step, spec)).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_DTYPE' }),
    );
    for (const wrong of [
      { low: 0.5 },
      { low: 1 },
      { high: 0 },
      { inner: 1.5 },
      { gradientScale: Number.NaN },
    ]) {
      expect(() => lsq(x, step, { ...spec, ...wrong })).toThrow(
        expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }),
      );
    }
  });
});
