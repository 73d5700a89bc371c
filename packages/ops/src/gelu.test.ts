import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { erf } from '../test/definitions.ts';
import { gelu } from './gelu.ts';

describe.each(BACKENDS)('gelu on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('is x Φ(x), with its gradient', () => {
    checkOperation({
      shapes: [[3, 67]],
      expected: [3, 67],
      run: (x) => gelu(x!),
      definition: (x) => x!.map((v) => 0.5 * v * (1 + erf(v / Math.SQRT2))),
    });
  });

  it("approximates it by a tanh where asked to, with that form's gradient", () => {
    checkOperation({
      shapes: [[3, 67]],
      expected: [3, 67],
      run: (x) => gelu(x!, 'tanh'),
      definition: (x) =>
        x!.map((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))),
    });
  });

  it('passes NaN on and is flat far below zero', () => {
    const [nan, low, high] = gelu(tf.tensor1d([Number.NaN, -40, 40])).dataSync();
    expect(nan).toBeNaN();
    expect(low).toBeCloseTo(0, 6);
    expect(high).toBe(40);
  });

  it('refuses a form that it does not know, rather than take one for it', () => {
    expect(() => gelu(tf.zeros([2]), 'erf' as 'none')).toThrow(
      expect.objectContaining({ code: 'OPS_BAD_ARGUMENT', message: expect.stringContaining('got "erf"') }),
    );
  });

  it('refuses integers', () => {
    expect(() => gelu(tf.zeros([2], 'int32'))).toThrow('gelu: x must be float32, got int32 [2]');
  });
});
