import { random } from '@proj/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS } from '../test/check.ts';
import { type AdamwSettings, adamwStep } from './adamw-step.ts';
import { type SgdSettings, sgdStep } from './sgd-step.ts';

const SHAPES = [[3, 5], [], [7], [2, 0], [1, 4, 2]];
const f = Math.fround;

const draw = (name: string, shape: readonly number[], transform = (x: number) => x): tf.Tensor => {
  const { normal } = random(3, name, ...shape);
  const size = tf.util.sizeFromShape([...shape]);
  return tf.tensor(
    Float32Array.from({ length: size }, () => transform(normal())),
    [...shape],
  );
};
const drawAll = (name: string, transform?: (x: number) => number): tf.Tensor[] =>
  SHAPES.map((shape) => draw(name, shape, transform));
const valuesOf = (tensors: readonly tf.Tensor[]): Float32Array[] =>
  tensors.map((tensor) => tensor.dataSync().slice() as Float32Array);

const ADAMW: AdamwSettings = {
  learningRate: 0.01,
  step: 3,
  betas: [0.9, 0.99],
  eps: 1e-8,
  weightDecays: [0.1, 0, 0.3, 0.1, 0],
};
const SGD: SgdSettings = { learningRate: 0.01, momentum: 0.9, weightDecay: 0.1 };

describe.each(BACKENDS)('the steps of the optimizers on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  const adamwTensors = () => ({
    parameters: drawAll('p'),
    gradients: drawAll('g'),
    expAvgs: drawAll('m'),
    expAvgSqs: drawAll('v', Math.abs),
  });
  const sgdTensors = () => ({
    parameters: drawAll('p'),
    gradients: drawAll('g'),
    momentumBuffers: drawAll('b'),
  });

  it('adamwStep is the equation, each operation rounded to float32', () => {
    const { learningRate: lr, betas, eps, step, weightDecays } = ADAMW;
    const [b1, b2, r1, r2] = [...betas, 1 - betas[0], 1 - betas[1]].map(f) as [
      number,
      number,
      number,
      number,
    ];
    const stepSize = f(lr / (1 - betas[0] ** step));
    const correction = f(Math.sqrt(1 - betas[1] ** step));
    const [p, g, m, v] = ['p', 'g', 'm', 'v'].map((name) =>
      valuesOf(drawAll(name, name === 'v' ? Math.abs : undefined)),
    ) as [Float32Array[], Float32Array[], Float32Array[], Float32Array[]];
    const mean = m.map((values, i) => values.map((x, j) => f(f(x * b1) + f(g[i]![j]! * r1))));
    const variance = v.map((values, i) => values.map((x, j) => f(f(x * b2) + f(f(g[i]![j]! ** 2) * r2))));
    const parameter = p.map((values, i) =>
      values.map((x, j) => {
        const root = f(f(f(Math.sqrt(variance[i]![j]!)) / correction) + f(eps));
        const keep = f(1 - lr * weightDecays[i]!);
        return f(f(x * keep) - f(f(mean[i]![j]! / root) * stepSize));
      }),
    );
    const next = adamwStep(adamwTensors(), ADAMW);
    expect(next.parameters.map(({ shape }) => shape)).toEqual(SHAPES);
    expect(valuesOf(next.parameters)).toEqual(parameter);
    expect(valuesOf(next.expAvgs)).toEqual(mean);
    expect(valuesOf(next.expAvgSqs)).toEqual(variance);
  });

  it.each([
    ['with momentum and a penalty', 0.1, true],
    ['with momentum', 0, true],
    ['with a penalty so small that float32 has none', 1e-50, true],
    ['without momentum', 0.1, false],
    ['with nothing but the gradient', 0, false],
  ])('sgdStep is the equation, each operation rounded to float32: %s', (_, weightDecay, hasMomentum) => {
    const [rate, momentum, decay] = [SGD.learningRate, SGD.momentum, weightDecay].map(f) as [
      number,
      number,
      number,
    ];
    const [p, g, b] = ['p', 'g', 'b'].map((name) => valuesOf(drawAll(name))) as [
      Float32Array[],
      Float32Array[],
      Float32Array[],
    ];
    const buffer = b.map((values, i) =>
      values.map((x, j) => {
        const penalised = f(g[i]![j]! + f(p[i]![j]! * decay));
        return hasMomentum ? f(f(x * momentum) + penalised) : penalised;
      }),
    );
    const parameter = p.map((values, i) => values.map((x, j) => f(x - f(buffer[i]![j]! * rate))));
    const { momentumBuffers, ...rest } = sgdTensors();
    const next = sgdStep(
      { ...rest, momentumBuffers: hasMomentum ? momentumBuffers : undefined },
      { ...SGD, weightDecay },
    );
    expect(valuesOf(next.parameters)).toEqual(parameter);
    expect(next.momentumBuffers && valuesOf(next.momentumBuffers)).toEqual(hasMomentum ? buffer : undefined);
  });

  it('consume what they are given and leave nothing else behind, also where a tensor stands twice', () => {
    const before = tf.memory().numTensors;
    const adamw = adamwTensors();
    adamw.gradients[2] = adamw.parameters[2]!;
    const afterAdamw = adamwStep(adamw, ADAMW);
    const sgd = sgdTensors();
    sgd.gradients[4] = sgd.momentumBuffers[4]!;
    const afterSgd = sgdStep(sgd, SGD);
    expect([adamw, sgd].flatMap((lists) => Object.values(lists).flat()).every((t) => t.isDisposed)).toBe(
      true,
    );
    // The two tensors that stood twice took the place of two others, which are still there.
    expect(tf.memory().numTensors).toBe(before + 5 * 5 + 2);
    tf.dispose([afterAdamw, afterSgd].flatMap((lists) => Object.values(lists).flat()));
  });

  it('do nothing for no parameters', () => {
    const none = { parameters: [], gradients: [] };
    expect(adamwStep({ ...none, expAvgs: [], expAvgSqs: [] }, { ...ADAMW, weightDecays: [] })).toEqual({
      parameters: [],
      expAvgs: [],
      expAvgSqs: [],
    });
    expect(sgdStep({ ...none, momentumBuffers: undefined }, SGD)).toEqual({ parameters: [] });
  });

  it.each<[string, string, (one: tf.Tensor, other: tf.Tensor) => unknown]>([
    [
      'OPS_SHAPE_MISMATCH',
      '2 parameters, 2 momentumBuffers',
      (one, other) =>
        sgdStep({ parameters: [one, other], gradients: [one], momentumBuffers: [one, one] }, SGD),
    ],
    [
      'OPS_SHAPE_MISMATCH',
      'gradients[1] [3], parameters[1] [2]',
      (one, other) =>
        sgdStep({ parameters: [one, one], gradients: [one, other], momentumBuffers: undefined }, SGD),
    ],
    [
      'OPS_BAD_DTYPE',
      'parameters[0] must be float32, got int32',
      (one) => {
        const parameters = [tf.tensor1d([1, 2], 'int32')];
        return sgdStep({ parameters, gradients: [one], momentumBuffers: undefined }, SGD);
      },
    ],
    [
      'OPS_BAD_ARGUMENT',
      'there are 5 weightDecays for 1 parameters',
      (one) => adamwStep({ parameters: [one], gradients: [one], expAvgs: [one], expAvgSqs: [one] }, ADAMW),
    ],
  ])('refuse with %s, and consume nothing then: %s', (code, message, step) => {
    const [one, other] = [tf.tensor1d([1, 2]), tf.tensor1d([1, 2, 3])];
    expect(() => step(one, other)).toThrow(expect.objectContaining({ code }));
    expect(() => step(one, other)).toThrow(message);
    expect([...one.dataSync(), ...other.dataSync()]).toEqual([1, 2, 1, 2, 3]);
  });

  it.each<[string, Partial<AdamwSettings>]>([
    ['learningRate', { learningRate: -1 }],
    ['step', { step: 0 }],
    ['betas[0]', { betas: [1, 0.9] }],
    ['betas[1]', { betas: [0.9, -0.1] }],
    ['eps', { eps: Number.NaN }],
    ['weightDecays[0]', { weightDecays: [Number.POSITIVE_INFINITY] }],
  ])('adamwStep refuses the setting %s', (name, change) => {
    const none = { parameters: [], gradients: [], expAvgs: [], expAvgSqs: [] };
    const step = () => adamwStep(none, { ...ADAMW, weightDecays: [], ...change });
    expect(step).toThrow(expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }));
    expect(step).toThrow(`AdamW: ${name} must be at least`);
  });

  it.each(['learningRate', 'momentum', 'weightDecay'])('sgdStep refuses a negative %s', (name) => {
    const none = { parameters: [], gradients: [], momentumBuffers: undefined };
    expect(() => sgdStep(none, { ...SGD, [name]: -1 })).toThrow(`Sgd: ${name} must be at least 0`);
  });
});
