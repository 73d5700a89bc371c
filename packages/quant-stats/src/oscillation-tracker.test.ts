import { tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { describeOnBackends } from '../test/backends.ts';
import { casesOf } from '../test/reference.ts';
import { thresholdDistance } from './boundary.ts';
import { histogram } from './histogram.ts';
import { OscillationTracker } from './oscillation-tracker.ts';
import { lsqRows, statsq2d } from './quantizers.ts';
import { roundHalfEven } from './round.ts';

const settings = { momentum: 0.5, oscillatingAbove: 0.3, boundaryRange: 0.1 };

describeOnBackends('a tracker', () => {
  const lsq = (weights: number[], gradients?: number[]) => ({
    quantizer: lsqRows(2),
    weight: tensor2d([weights]),
    step: tensor1d([1]),
    ...(gradients && { gradient: tensor2d([gradients]) }),
  });

  it('tells flips, oscillations, and who is within the boundary range', () => {
    const tracker = new OscillationTracker(settings);
    expect(tracker.observe('fc1', lsq([0.3, 0.7, -1, 3]))).toEqual({
      name: 'fc1',
      weights: 4,
      steps: 1,
      flips: 0,
      oscillated: 0,
      oscillating: 0,
      meanFrequency: 0,
      withinBoundary: 0,
      gradientTurns: null,
      scale: { min: 1, mean: 1, max: 1 },
      histogram: null,
    });
    expect(tracker.observe('fc1', lsq([0.55, 0.7, -1, 3]))).toMatchObject({ flips: 1, withinBoundary: 1 });
    const last = tracker.observe('fc1', lsq([0.45, 0.45, -1, 3]));
    expect(last).toMatchObject({ flips: 2, oscillated: 1, oscillating: 1, meanFrequency: 0.125 });
    expect(last.withinBoundary).toBe(2);
  });

  it('counts gradients that turn, of weights within the boundary range only', () => {
    const tracker = new OscillationTracker(settings);
    const observe = (gradients: number[]) =>
      tracker.observe('fc1', lsq([0.5, 0.45, 0.55, 0], gradients)).gradientTurns;
    expect(observe([1, 1, 1, 1])).toBe(0);
    expect(observe([-1, 0, 1, -1])).toBe(1);
    // The second had no direction in between: its last was up.
    expect(observe([-1, -1, -1, 1])).toBe(2);
  });

  it('makes a record of all layers that is JSON, and goes on from saved states', () => {
    const steps = [
      [0.4, 0.6],
      [0.6, 0.4],
      [0.4, 0.6],
      [0.6, 0.6],
    ];
    const whole = new OscillationTracker({ ...settings, histogram: { from: -1, to: 1, count: 2 } });
    for (const weights of steps) {
      whole.observe('fc1', lsq(weights));
      whole.observe('fc2', { quantizer: statsq2d(2), weight: tensor2d([[1, -1, 0, 0]]) });
    }
    const record = whole.record();
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
    expect(
      record.layers.map(({ name, flipsSoFar, oscillatedSoFar }) => [name, flipsSoFar, oscillatedSoFar]),
    ).toEqual([
      ['fc1', 5, 3],
      ['fc2', 0, 0],
    ]);
    expect(record.shares.flips).toBeCloseTo(1 / 6);
    expect(record.layers[1]!.scale).toEqual({ min: 1, mean: 1, max: 1 });
    // w / s = 1, -1, 0, 0, of which 1 is beyond the last bin.
    expect(record.layers[1]!.histogram).toEqual({ from: -1, to: 1, counts: [1, 2], below: 0, above: 1 });

    const first = new OscillationTracker(settings);
    for (const weights of steps.slice(0, 2)) first.observe('fc1', lsq(weights));
    const second = new OscillationTracker(settings, structuredClone(first.states));
    for (const weights of steps.slice(2)) second.observe('fc1', lsq(weights));
    const { histogram: _, ...expected } = record.layers[0]!;
    expect(second.record().layers[0]).toMatchObject(expected);
  });

  it('of nothing is a record of nothing', () => {
    expect(new OscillationTracker(settings).record()).toMatchObject({
      layers: [],
      shares: { flips: 0, oscillating: 0, withinBoundary: 0 },
    });
  });

  it('refuses what is not finite, LSQ without steps, other gradients, and bounds that are none', () => {
    const tracker = new OscillationTracker(settings);
    expect(() => tracker.observe('fc1', lsq([1, Number.NaN]))).toThrow(
      expect.objectContaining({ code: 'QS_NON_FINITE' }),
    );
    expect(() => tracker.observe('fc1', lsq([1, 2], [1, Number.POSITIVE_INFINITY]))).toThrow(
      'the gradient of fc1',
    );
    expect(() => tracker.observe('fc1', { quantizer: lsqRows(2), weight: tensor2d([[1]]) })).toThrow(
      'pass its step',
    );
    expect(() => tracker.observe('fc2', { ...lsq([1, 2]), gradient: tensor1d([1]) })).toThrow(
      expect.objectContaining({ code: 'QS_SHAPE_MISMATCH' }),
    );
    expect(() => new OscillationTracker({ ...settings, boundaryRange: Number.NaN })).toThrow(
      expect.objectContaining({ code: 'QS_ARGUMENT_INVALID' }),
    );
  });
});

describe('distances to thresholds', () => {
  it('are within the boundary range where the reference lets a weight train', () => {
    for (const { config, tensors } of casesOf(/^cga_mask_/)) {
      const bits = config['num_bits'] as number;
      const n = 2 ** (bits - 1);
      const range = config['boundaryRange'] as number;
      const { shape, data } = tensors.get('w')!;
      const inner = shape.at(-1)!;
      const scales = Array.from({ length: data.length / inner }, (_, row) => {
        const magnitudes = Array.from(data)
          .slice(row * inner, (row + 1) * inner)
          .map(Math.abs);
        return (2 * magnitudes.reduce((a, b) => a + b)) / inner;
      });
      const trains = Array.from(data, (w, i) => {
        const position = (w / scales[Math.floor(i / inner)]!) * n - 0.5;
        return Number(thresholdDistance(position, { low: -n, high: n - 1 }) <= range);
      });
      expect(trains).toEqual(Array.from(tensors.get('freeze')!.data, (frozen) => 1 - frozen));
    }
  });

  it('know no threshold beyond the outermost levels', () => {
    const levels = { low: -2, high: 1 };
    expect([-9, -2.5, -1.5, -1, 0.5, 1.5, 9].map((position) => thresholdDistance(position, levels))).toEqual([
      7.5, 1, 0, 0.5, 0, 1, 8.5,
    ]);
  });
});

describe('histograms', () => {
  it('count every value once', () => {
    expect(histogram([-1.1, -1, -0.01, 0, 0.99, 1, 5], { from: -1, to: 1, count: 2 })).toEqual({
      from: -1,
      to: 1,
      counts: [2, 2],
      below: 1,
      above: 2,
    });
    const almost = 1 - 2 ** -53;
    expect(histogram([almost], { from: -1e16, to: 1, count: 3 }).counts).toEqual([0, 0, 1]);
  });

  it('refuse NaN and bins that are none', () => {
    expect(() => histogram([Number.NaN], { from: 0, to: 1, count: 1 })).toThrow('value 0 of 1 is NaN');
    for (const bins of [
      { from: 1, to: 1, count: 1 },
      { from: 0, to: Number.POSITIVE_INFINITY, count: 1 },
      { from: 0, to: 1, count: 0 },
    ]) {
      expect(() => histogram([], bins)).toThrow(expect.objectContaining({ code: 'QS_ARGUMENT_INVALID' }));
    }
  });
});

describe('rounding', () => {
  it('takes halves to the even integer', () => {
    expect(
      [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.4999999, -7.2].map((value) => roundHalfEven(value) + 0),
    ).toEqual([-2, -2, 0, 0, 2, 2, 0, -7]);
  });
});
