import '@proj/wasm-kernels/install';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { ofqCase } from '@proj/fixtures';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectReference, group, live } from '../test/reference.ts';
import { inWindows } from '../test/windows.ts';
import { qkrInitialSteps, qkrIntermediates } from './stages.ts';

const cases = ['attn_qkr_w2a2', 'attn_qkr_w3a3', 'attn_qkr_w4a4', 'attn_qkr_cga_train_w2a2'];
const specOf = ({ config }: ReturnType<typeof ofqCase>) => {
  const bits = config['bits'] as 2 | 3 | 4;
  return { heads: config['num_heads'] as number, weightBits: bits, activationBits: bits };
};

describe.each(['wasm', 'cpu'])('the stages of an attention on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each(cases)('are those of the reference, by the names of its modules: %s', (name) => {
    const entry = ofqCase(name);
    const [x, parameters] = [live(entry, 'x'), group(entry, 'param')];
    const before = tf.memory().numTensors;
    const stages = qkrIntermediates(x, parameters, '', specOf(entry));
    const expected = [...entry.tensors.keys()].filter((key) => key.startsWith('inter.'));
    expect(expected).toHaveLength(16);
    for (const key of expected) expectReference(entry, key, stages.get(key.slice('inter.'.length))!);
    tf.dispose([...stages.values()]);
    expect(tf.memory().numTensors).toBe(before);
    // Some of the stages are the caller's own tensors.
    expect(x.isDisposed || parameters.get('v.weight')!.isDisposed).toBe(false);
  });

  it.each(cases)('start with the steps of the reference, which are not needed to find them: %s', (name) => {
    const entry = ofqCase(name);
    const x = live(entry, 'x');
    const fresh = new Map(
      [...group(entry, 'param')]
        .filter(([key]) => !key.endsWith('.s'))
        .map(([key, tensor]) => [`a.${key}`, key.includes('move_') ? tf.zerosLike(tensor) : tensor] as const),
    );
    const before = tf.memory().numTensors;
    const steps = qkrInitialSteps(x, fresh, 'a', specOf(entry));
    expect(tf.memory().numTensors).toBe(before + 5);
    for (const [key, step] of steps) expectReference(entry, `init.${key.slice(2)}`, step);
  });

  it('start in windows too', () => {
    const entry = ofqCase('swin_attn_qkr_w2a2');
    const fresh = new Map(
      [...group(entry, 'param')].map(
        ([key, tensor]) => [key, key.includes('move_') ? tf.zerosLike(tensor) : tensor] as const,
      ),
    );
    const windows = { heads: 3, window: 4, shift: 2 };
    let steps = new Map<string, tf.Tensor>();
    inWindows(live(entry, 'x'), fresh.get('relative_position_bias_table')!, windows, (sequences, mask) => {
      steps = qkrInitialSteps(sequences, fresh, '', { heads: 3, weightBits: 2, activationBits: 2 }, { mask });
      return sequences;
    });
    for (const [key, step] of steps) expectReference(entry, `init.${key}`, step);
    expect(steps.size).toBe(5);
  });

  it('do not start from data that are not finite, and then leave nothing behind', () => {
    const entry = ofqCase('attn_qkr_w2a2');
    const parameters = group(entry, 'param');
    parameters.set('v.weight', tf.fill([24, 24], Number.NaN));
    const x = live(entry, 'x');
    const before = tf.memory().numTensors;
    expect(() => qkrInitialSteps(x, parameters, '', specOf(entry))).toThrow(
      `the tensor that sets LSQ's steps of "quan_a_v_fn.s" [2,7,24] has 336 of 336 elements that are not finite`,
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});
