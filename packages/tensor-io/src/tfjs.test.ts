import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { codeOf, rejectionCode } from '../test/code-of.ts';
import type { StateDict } from './state.ts';
import { tensorData } from './tensor.ts';
import { fromTensors, toTensors } from './tfjs.ts';

describe('tfjs tensors', () => {
  it('hold the same values under the same names in the same order, as float32', async () => {
    const state: StateDict = new Map([
      ['z.weight', tensorData('F32', [2, 3], [1, 2, 3, 4, 5, 6.5])],
      ['a.bias', tensorData('BF16', [1], [-2])],
      ['num_batches_tracked', tensorData('I64', [], [7n])],
      ['empty', tensorData('F32', [0, 4], [])],
    ]);
    const tensors = toTensors(state);
    expect([...tensors.keys()]).toEqual([...state.keys()]);
    expect(tensors.get('z.weight')!.shape).toEqual([2, 3]);
    const back = await fromTensors(tensors);
    expect(back.get('z.weight')).toEqual(state.get('z.weight'));
    expect(back.get('a.bias')).toEqual(tensorData('F32', [1], [-2]));
    expect(back.get('num_batches_tracked')).toEqual(tensorData('F32', [], [7]));
    expect(back.get('empty')!.shape).toEqual([0, 4]);
    tf.dispose([...tensors.values()]);
  });

  it('come out as F32, I32 and BOOL; other dtypes are refused by name', async () => {
    const tensors = new Map<string, tf.Tensor>([
      ['i', tf.tensor1d([1, -2], 'int32')],
      ['b', tf.tensor1d([true, false], 'bool')],
    ]);
    const state = await fromTensors(tensors);
    expect(state.get('i')).toEqual(tensorData('I32', [2], [1, -2]));
    expect(state.get('b')).toEqual(tensorData('BOOL', [2], [true, false]));
    tensors.set('c', tf.complex([1], [2]));
    expect(await rejectionCode(fromTensors(tensors))).toBe('TIO_UNKNOWN_DTYPE');
    tf.dispose([...tensors.values()]);
  });

  it('leave nothing allocated when one of them cannot be made', () => {
    const before = tf.memory().numTensors;
    const good = tensorData('F32', [1], [1]);
    const deep = { ...good, shape: [1, 1, 1, 1, 1, 1, 1] };
    expect(
      codeOf(() =>
        toTensors(
          new Map([
            ['ok', good],
            ['deep', deep],
          ]),
        ),
      ),
    ).toBe('TIO_BAD_SHAPE');
    expect(tf.memory().numTensors).toBe(before);
  });
});
