import '@tensorflow/tfjs-backend-cpu';
import type { NamedTensors } from '@proj/ops';
import { dispose, memory, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { clippedByGlobalNorm } from './clip.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './sgd.ts';

beforeAll(() => setBackend('cpu'));

const named = (values: Readonly<Record<string, number[]>>): NamedTensors =>
  new Map(Object.entries(values).map(([name, some]) => [name, tensor(some) as Tensor]));

/** One step from zero with a learning rate of 1: minus the gradients that arrived. */
function stepOf(optimizer: Optimizer, gradients: Readonly<Record<string, number[]>>): number[][] {
  const parameters = named(
    Object.fromEntries(Object.keys(gradients).map((name) => [name, gradients[name]!.map(() => 0)])),
  );
  const after = optimizer.step(parameters, named(gradients), optimizer.init(parameters));
  expect(after.state.step).toBe(1);
  const values = [...after.parameters.values()].map((value) => [...value.dataSync()]);
  dispose([...after.parameters.values()]);
  return values;
}

describe('clippedByGlobalNorm', () => {
  const plain = sgd({ learningRate: 1 });

  it('scales all gradients by maxNorm / (norm + 1e-6) where the norm over all of them is larger, as torch does', () => {
    const before = memory().numTensors;
    const [[a], [b1, b2]] = stepOf(clippedByGlobalNorm(plain, 1), { a: [3], b: [0, -4] }) as [
      [number],
      [number, number],
    ];
    expect(a).toBe(-Math.fround(3 * Math.fround(1 / (5 + 1e-6))));
    expect(b1).toBeCloseTo(0, 12);
    expect(b2).toBe(Math.fround(4 * Math.fround(1 / (5 + 1e-6))));
    expect(memory().numTensors).toBe(before);
  });

  it.each([5.1, Number.POSITIVE_INFINITY])('leaves them alone within %d', (maxNorm) => {
    expect(stepOf(clippedByGlobalNorm(plain, maxNorm), { a: [3], b: [1, -4] })).toEqual([[-3], [-1, 4]]);
  });

  it('is that optimizer otherwise', () => {
    const optimizer = sgd({ learningRate: (step) => 1 / (1 + step), momentum: 0.9 });
    const clipped = clippedByGlobalNorm(optimizer, 1);
    expect([clipped.learningRate(3), [...clipped.init(named({ a: [1] })).moments.keys()]]).toEqual([
      0.25,
      ['momentum_buffer'],
    ]);
  });

  it.each<[string, Readonly<Record<string, number[]>>, string]>([
    ['NaN', { a: [1], b: [1, Number.NaN], c: [Number.NaN] }, 'of step 1 is NaN; not finite: "b", "c".'],
    ['infinite', { a: [Number.NEGATIVE_INFINITY], b: [1] }, 'is Infinity; not finite: "a".'],
    ['too large together', { a: [1.5e19], b: [1.5e19] }, 'is Infinity; not finite: no single one'],
  ])('refuses gradients that are %s, naming them, and consumes nothing then', (_, values, message) => {
    const [parameters, gradients] = [named(values), named(values)];
    const before = memory().numTensors;
    const step = () => clippedByGlobalNorm(plain, 1).step(parameters, gradients, plain.init(parameters));
    expect(step).toThrow(expect.objectContaining({ code: 'TRAINER_GRADIENTS_NOT_FINITE' }));
    expect(step).toThrow(message);
    expect(memory().numTensors).toBe(before);
    expect([...parameters.values(), ...gradients.values()].some((value) => value.isDisposed)).toBe(false);
  });

  it('leaves no clipped gradients behind where the optimizer refuses them', () => {
    const [parameters, gradients] = [named({ a: [1] }), named({ a: [1], b: [5] })];
    const before = memory().numTensors;
    const step = () => clippedByGlobalNorm(plain, 1).step(parameters, gradients, plain.init(parameters));
    expect(step).toThrow(expect.objectContaining({ code: 'TRAINER_GRADIENTS_MISMATCH' }));
    expect(memory().numTensors).toBe(before);
  });

  it.each([0, -1, Number.NaN])('refuses maxNorm = %d', (maxNorm) => {
    expect(() => clippedByGlobalNorm(plain, maxNorm)).toThrow(
      expect.objectContaining({ code: 'TRAINER_OPTION_INVALID' }),
    );
  });
});
