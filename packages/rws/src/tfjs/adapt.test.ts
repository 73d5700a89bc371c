import '@proj/ops/gradients';
import { tensorData, toFloat32 } from '@proj/tensor-io';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { wave } from '../../test/tfjs-models.ts';
import { extract, meanEntropy, patch, type Signature } from '../index.ts';
import { type AdaptOptions, type AdaptStep, adaptStrengths } from '../tfjs.ts';

const shapes = { 'first.weight': [8, 6], 'second.weight': [4, 8] };
const base = new Map(
  Object.entries(shapes).map(([name, shape], i) => [
    name,
    tensorData('F32', shape, wave(shape[0]! * shape[1]!, i)),
  ]),
);
const units = [['first.weight'], ['second.weight']];
const signatureOf = async (seed: number): Promise<Signature> => {
  const robust = new Map(
    [...base].map(([name, { shape, bytes }]) => {
      const noise = wave(bytes.length / 4, seed);
      return [
        name,
        tensorData(
          'F32',
          shape,
          toFloat32(base.get(name)!).map((v, i) => 1.5 * v + noise[i]!),
        ),
      ];
    }),
  );
  return (await extract({ standard: base, robust, units, k: 2, bits: 32 })).signature;
};
const signatures = [await signatureOf(5), await signatureOf(6)];
const images = wave(16 * 6, 3).map((value) => 3 * value);

type Parameters = ReadonlyMap<string, tf.Tensor>;
const logits = (parameters: Parameters, batch: tf.Tensor) => {
  const hidden = tf.relu(tf.matMul(batch, parameters.get('first.weight')!, false, true));
  return tf.matMul(hidden, parameters.get('second.weight')!, false, true);
};
const tensors = () => new Map([...base].map(([name, t]) => [name, tf.tensor(toFloat32(t), [...t.shape])]));

/** Entropy of the model patched exactly. */
async function entropyOf(strengths: readonly (readonly number[])[]): Promise<number> {
  const applications = signatures.map((signature, i) => ({
    ...{ signature, alpha: 0, units: new Map(strengths[i]!.entries()) },
  }));
  const { state } = await patch(base, applications);
  return tf.tidy(() => {
    const parameters = new Map([...state].map(([name, t]) => [name, tf.tensor(toFloat32(t), [...t.shape])]));
    return meanEntropy(logits(parameters, tf.tensor2d(images, [16, 6])).dataSync() as Float32Array, 4);
  });
}

async function steps(count: number, options: Partial<AdaptOptions<tf.Tensor>> = {}): Promise<AdaptStep[]> {
  const batch = tf.tensor2d(images, [16, 6]);
  const parameters = tensors();
  const made: AdaptStep[] = [];
  const batches = new Array<tf.Tensor>(count).fill(batch);
  for await (const step of adaptStrengths({ parameters, signatures, logits, batches, ...options }))
    made.push(step);
  tf.dispose([batch, ...parameters.values()]);
  return made;
}

describe.each(['cpu', 'wasm'])('strengths from unlabelled images, on %s', (backend) => {
  it('follow the gradient of the entropy: the first step goes down every slope, at the learning rate', async () => {
    await tf.setBackend(backend);
    const [step] = await steps(1, { initial: 0.4, learningRate: 0.01 });
    expect(step!.entropy).toBeCloseTo(
      await entropyOf([
        [0.4, 0.4],
        [0.4, 0.4],
      ]),
      5,
    );
    for (const [i, { units }] of step!.applications.entries()) {
      for (const unit of [0, 1]) {
        const at = (value: number) =>
          entropyOf([0, 1].map((j) => [0, 1].map((u) => (i === j && unit === u ? value : 0.4))));
        const slope = (await at(0.45)) - (await at(0.35));
        expect(Math.abs(slope)).toBeGreaterThan(1e-4);
        expect(units!.get(unit)).toBeCloseTo(0.4 - 0.01 * Math.sign(slope), 6);
      }
    }
  });

  it('lower the entropy step by step, stay in their range, and leave no tensor behind', async () => {
    await tf.setBackend(backend);
    const { numTensors } = tf.memory();
    const made = await steps(60, { learningRate: 0.02, range: [-0.2, 0.8] });
    expect(made.map(({ step }) => step)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect(made.at(-1)!.entropy).toBeLessThan(0.95 * made[0]!.entropy);
    for (const { applications } of made) {
      for (const { units } of applications) {
        for (const alpha of units!.values()) {
          expect(alpha).toBeGreaterThanOrEqual(-0.2);
          expect(alpha).toBeLessThanOrEqual(0.8);
        }
      }
    }
    const applied = await patch(base, made.at(-1)!.applications);
    expect(applied.report.changed).toBeGreaterThan(0);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('can be one a signature', async () => {
    await tf.setBackend(backend);
    const [step] = await steps(1, { per: 'signature', initial: 0.5, learningRate: 0.01 });
    for (const { alpha, units } of step!.applications) {
      expect(Math.abs(alpha - 0.5)).toBeCloseTo(0.01, 6);
      expect(units).toBeUndefined();
    }
  });
});

it('strengths are not learned for another model, with options that make no sense, or for nothing', async () => {
  await tf.setBackend('cpu');
  const outcome = (options: Partial<AdaptOptions<tf.Tensor>>) =>
    steps(1, options).catch((error) => error.code);
  expect(await outcome({ signatures: [] })).toBe('RWS_OPTION_INVALID');
  expect(await outcome({ initial: 2 })).toBe('RWS_OPTION_INVALID');
  expect(await outcome({ learningRate: 0 })).toBe('RWS_OPTION_INVALID');
  const other = new Map([...tensors()].map(([name, t]) => [name, tf.zerosLike(t)]));
  expect(await outcome({ parameters: other })).toBe('RWS_SIGNATURE_MISMATCH');
  expect(await outcome({ parameters: other, allowTransfer: true })).toHaveLength(1);
});
