import { grad, grads, mul, type Tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { describeOnBackends } from '../test/backends.ts';
import { codes } from './codes.ts';
import { dampening } from './dampening.ts';
import { freezeWeights } from './freeze-weights.ts';
import { quantize } from './quantize.ts';
import { lsqRows } from './quantizers.ts';
import { type OscillationState, trackOscillation } from './track-oscillation.ts';

const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync(), (value) => value + 0);

describeOnBackends('dampening', () => {
  it('is the squared distance of weights from the middle of their levels, within the levels', () => {
    // Rows of steps 1 and 0.5 with codes -2 .. 1.
    const [w, step] = [
      tensor2d([
        [0.25, -1.75, 3, -5],
        [0.125, 0.5, -1, 2],
      ]),
      tensor1d([1, 0.5]),
    ];
    expect(values(dampening(lsqRows(2), w, step))).toEqual([2 * 0.25 ** 2 + 0.125 ** 2]);
    const slope = grad((w: Tensor) => mul(dampening(lsqRows(2), w, step), 3))(w);
    expect(values(slope)).toEqual([1.5, 1.5, 0, 0, 0.75, 0, 0, 0]);
  });

  it('hides no NaN', () => {
    const w = tensor2d([[Number.NaN, 1]]);
    expect(values(dampening(lsqRows(2), w, tensor1d([1])))).toEqual([Number.NaN]);
  });

  it('refuses other shapes', () => {
    expect(() => dampening(lsqRows(2), tensor1d([1]), tensor1d([1]))).toThrow(
      expect.objectContaining({ code: 'QS_SHAPE_MISMATCH' }),
    );
  });
});

describeOnBackends('iterative freezing', () => {
  it('holds the code of a weight that oscillated, through every later step', () => {
    const quantizer = lsqRows(2);
    let state: OscillationState | undefined;
    let weight = tensor2d([[0.4, -1.2]]);
    // An optimizer that throws the first weight to and fro, while the step shrinks.
    for (let i = 0; i < 8; i++) {
      const step = tensor1d([1 - i / 20]);
      weight = tensor2d([[i % 2 === 0 ? 0.4 : 0.6, -1.2]]);
      if (state?.freezing !== undefined)
        weight = freezeWeights(quantizer, weight, step, state.freezing) as typeof weight;
      const tracked = trackOscillation(state, codes(quantizer, weight, step).dataSync(), {
        momentum: 0.25,
        freezeAbove: 0.3,
      });
      state = tracked.state;
      const [held] = state.freezing!.frozen;
      if (i < 3) expect(held).toBe(0);
      if (i < 4) continue;
      expect(held).toBe(1);
      if (i > 4) expect(tracked.flips).toBe(0);
    }
    expect([...state!.freezing!.frozen]).toEqual([1, 0]);
    const step = tensor1d([0.65]);
    const [code] = state!.freezing!.frozenCodes;
    expect(quantize(quantizer, weight, step).dataSync()[0]).toBe(Math.fround(code! * Math.fround(0.65)));
    const [, ds] = grads((w, s) => quantize(quantizer, w!, s!))([weight, step], tensor2d([[1, 0]]));
    expect(Math.abs(ds!.dataSync()[0]!)).toBeLessThan(1e-6);
  });

  it('refuses the state of another weight', () => {
    const freezing = { frozen: new Uint8Array(2), frozenCodes: new Int16Array(2) };
    expect(() => freezeWeights(lsqRows(2), tensor2d([[1]]), tensor1d([1]), freezing)).toThrow(
      'has 1 entries, the state tells of 2',
    );
  });
});
