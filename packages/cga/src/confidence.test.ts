import '@proj/wasm-kernels/install';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { ofqCase, ofqCaseNames } from '@proj/fixtures';
import { mergeQueryKey } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { live } from '../test/reference.ts';
import { confidence, frozenWeights } from './confidence.ts';

const cases = ofqCaseNames()
  .map((name) => ofqCase(name))
  .filter(({ tensors }) => tensors.has('freeze') && tensors.has('w'));

describe.each(['wasm', 'cpu'])('confidence on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('has six cases of the reference', () => {
    expect(cases.map(({ name }) => name)).toHaveLength(6);
  });

  it.each(cases.map((entry) => [entry.name, entry] as const))(
    'freezes exactly what the reference freezes: %s',
    (_, entry) => {
      const { num_bits: bits, boundaryRange } = entry.config as Record<string, number>;
      const before = tf.memory().numTensors;
      const w = live(entry, 'w');
      const frozen = frozenWeights(w, { bits: bits!, boundaryRange: boundaryRange! });
      expect([frozen.dtype, frozen.shape]).toEqual(['bool', w.shape]);
      expect([...frozen.dataSync()]).toEqual(Array.from(entry.tensors.get('freeze')!.data));
      tf.dispose([w, frozen]);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('is the distance to the nearest threshold in levels', () => {
    // Scale 2 and thresholds at -1, 0 and 1, a level being 1; weights of 2 and more are beyond the last level.
    const w = tf.tensor2d([[-2.5, -2, -1, 0, 0.25, -0.375, -0.375, 1.5]]);
    expect(2 * tf.mean(tf.abs(w)).dataSync()[0]!).toBe(2);
    expect([...confidence(w, 2).dataSync()]).toEqual([1.5, 1, 0, 0, 0.25, 0.375, 0.375, 0.5]);
  });

  it('counts thresholds between codes that occur, over the whole tensor', () => {
    // Rows of ones only: every weight is half its scale, on the threshold 1, and has code 0 of -2 to 1.
    expect([...confidence(tf.ones([1, 4]), 2).dataSync()]).toEqual(Array(4).fill(Number.POSITIVE_INFINITY));
    // -1 has code -2 (half to even) beside it: now thresholds -1 and 0 count, of which 1 is one level away.
    const both = confidence(
      tf.tensor2d([
        [1, 1],
        [-1, -1],
      ]),
      2,
    );
    expect([...both.dataSync()]).toEqual([1, 1, 0, 0]);
  });

  it('has rows of zeros on the threshold, and hides no NaN', () => {
    const w = tf.tensor2d([
      [0, 0, 0],
      [1, -2, 3],
    ]);
    expect([...confidence(w, 3).dataSync()].slice(0, 3)).toEqual([0, 0, 0]);
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const row = confidence(tf.tensor2d([[1, wrong, 2]]), 2).dataSync();
      expect(row.some(Number.isNaN)).toBe(true);
    }
  });

  it('refuses what is no weight, no bits, no range', () => {
    expect(() => confidence(tf.zeros([2, 3, 4]), 2)).toThrow(
      '"weight" must be float32 [out, in], got float32 [2, 3, 4]',
    );
    expect(() => confidence(tf.zeros([2, 2], 'int32'), 2)).toThrow(
      expect.objectContaining({ code: 'CGA_WEIGHT_INVALID' }),
    );
    expect(() => confidence(tf.ones([2, 2]), 1)).toThrow('bits must be an integer from 2 to 16, got 1.');
    for (const boundaryRange of [0, 0.6, Number.NaN]) {
      expect(() => frozenWeights(tf.ones([2, 2]), { bits: 2, boundaryRange })).toThrow(
        `at most 0.5 levels, where the ranges of neighbouring thresholds meet, got ${boundaryRange}`,
      );
    }
  });

  it('is confident of about 99 % of normal weights within the published range', () => {
    const w = tf.randomNormal([64, 4096], 0, 0.02, 'float32', 7);
    const trained = (boundaryRange: number) =>
      1 - tf.mean(tf.cast(frozenWeights(w, { bits: 2, boundaryRange }), 'float32')).dataSync()[0]!;
    // Thresholds at 0 and at 0.8 deviations to either side: 2 BR 0.8 (0.399 + 2 0.29).
    expect(trained(0.005)).toBeCloseTo(0.0078, 3);
    expect(trained(0.01)).toBeCloseTo(0.0156, 3);
    tf.dispose(w);
  });

  it.each([
    [1, 1, 2],
    [3, 5, 2],
    [7, 11, 3],
    [16, 6, 4],
    [5, 67, 8],
  ])('freezes as the definition in float64 says: [%d, %d] at %d bits', (rows, columns, bits) => {
    const n = 2 ** (bits - 1);
    for (const [boundaryRange, seed] of [
      [0.2, 1],
      [0.05, 2],
      [0.4, 3],
    ] as const) {
      const w = tf.randomNormal([rows, columns], 0, 0.3, 'float32', seed);
      const values = [...w.dataSync()];
      const t = values.map((value, i) => {
        const row = values.slice(columns * Math.floor(i / columns)).slice(0, columns);
        const scale = (2 * row.reduce((sum, other) => sum + Math.abs(other), 0)) / columns;
        return (value / scale) * n;
      });
      const codes = t.map((level) => Math.max(-n, Math.min(n - 1, Math.round(level - 0.5))));
      const [lowest, highest] = [Math.min(...codes), Math.max(...codes)];
      const expected = t.map((level) => {
        for (let j = lowest + 1; j <= highest; j++) if (Math.abs(level - j) <= boundaryRange) return 0;
        return 1;
      });
      const frozen = frozenWeights(w, { bits, boundaryRange });
      expect([...frozen.dataSync()]).toEqual(expected);
      tf.dispose([w, frozen]);
    }
  });

  it('trains rows of zeros, and freezes all where one code occurs', () => {
    const spec = { bits: 2, boundaryRange: 0.1 };
    const zeros = frozenWeights(
      tf.tensor2d([
        [0, 0, 0],
        [1, -2, 2.9],
      ]),
      spec,
    );
    expect([...zeros.dataSync()].slice(0, 3)).toEqual([0, 0, 0]);
    expect([...frozenWeights(tf.ones([2, 5]), spec).dataSync()]).toEqual(Array(10).fill(1));
  });

  it('is that of the merged weight, too, as the reference has it', () => {
    const entry = ofqCase('attn_qkr_cga_train_w2a2');
    const merged = mergeQueryKey(live(entry, 'param.q.weight'), live(entry, 'param.k.weight'), 3);
    const frozen = frozenWeights(merged, { bits: 2, boundaryRange: 0.05 });
    expect(frozen.shape).toEqual([72, 24]);
    const share = tf.mean(tf.cast(frozen, 'float32')).dataSync()[0]!;
    expect(share).toBeGreaterThan(0.85);
    expect(share).toBeLessThan(0.97);
  });
});
