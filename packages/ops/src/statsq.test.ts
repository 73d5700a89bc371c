import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS } from '../test/check.ts';
import { statsq } from './statsq.ts';

describe.each(BACKENDS)('statsq on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('has the levels of each row by the mean of its magnitudes, ties and saturation to even codes', () => {
    // Both rows have scale 2; thresholds of 2 bits lie at -1, 0 and 1.
    const w = tf.tensor2d([
      [-2.5, -2, -1, 0, 0.5, 0, 0, 2],
      [1, -1, 1, -1, 1, -1, 1, -1],
    ]);
    const q = statsq(w, { bits: 2, groups: 2, inner: 8 });
    expect(q.shape).toEqual([2, 8]);
    expect([...q.dataSync()]).toEqual([
      ...[-1.5, -1.5, -1.5, 0.5, 0.5, 0.5, 0.5, 1.5],
      ...[0.5, -1.5, 0.5, -1.5, 0.5, -1.5, 0.5, -1.5],
    ]);
    const [dw] = tf.grads((w) => statsq(w!, { bits: 2, groups: 2, inner: 8 }))([w], w);
    expect([...dw!.dataSync()]).toEqual([...w.dataSync()]);
  });

  it('shares scales along any axis, and knows more bits', () => {
    const w = tf.tensor3d([1, 0, 1, 4, 0, 0, 5, 0, 0, 1, 2, 1], [2, 3, 2]);
    const scales = [3, 3, 1.5];
    const q = statsq(w, { bits: 4, groups: 3, inner: 2 }).dataSync();
    [...w.dataSync()].forEach((value, i) => {
      const s = scales[(i >> 1) % 3]!;
      const k = Math.max(-8, Math.min(7, Math.floor((value / s) * 8)));
      expect(q[i]).toBeCloseTo((s * (k + 0.5)) / 8, 6);
    });
  });

  it('leaves rows of zeros zero, and hides no NaN and no infinity', () => {
    const w = tf.tensor2d([
      [0, 0, 0],
      [1, 2, Number.NaN],
      [1, 2, Number.POSITIVE_INFINITY],
    ]);
    const q = [...statsq(w, { bits: 2, groups: 3, inner: 3 }).dataSync()];
    expect(q.slice(0, 3)).toEqual([0, 0, 0]);
    expect(q.slice(3).some(Number.isFinite)).toBe(false);
  });

  it('refuses bits and layouts that are none', () => {
    const w = tf.ones([4, 3]);
    for (const bits of [1, 2.5, 17, Number.NaN]) {
      expect(() => statsq(w, { bits, groups: 4, inner: 3 })).toThrow(
        `statsq: bits must be an integer from 2 to 16, got ${bits}.`,
      );
    }
    expect(() => statsq(w, { bits: 2, groups: 5, inner: 3 })).toThrow(
      'statsq with groups = 5, inner = 3: expected w of a multiple of groups inner elements, got w [4, 3].',
    );
  });
});
