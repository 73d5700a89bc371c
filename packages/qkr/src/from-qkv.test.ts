import '@tensorflow/tfjs-backend-cpu';
import { ofqCase } from '@proj/fixtures';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { live } from '../test/reference.ts';
import { qkrFromFloat, qkrFromQkv } from './from-qkv.ts';
import { qkrParameters } from './parameters.ts';

beforeAll(() => tf.setBackend('cpu'));

const entry = ofqCase('qkr_init_mapping');
const sizes = { tokens: 7, width: 24, heads: 3 };

describe('a float attention', () => {
  it('gives QKR its weights bit for bit as the reference maps them', () => {
    const mapped = qkrFromQkv(live(entry, 'qkv.weight'), live(entry, 'qkv.bias'));
    for (const [name, tensor] of Object.entries(mapped)) {
      expect(tensor.shape).toEqual(entry.tensors.get(name)!.shape);
      expect([...tensor.dataSync()]).toEqual([...live(entry, name).dataSync()]);
    }
    expect(Object.keys(mapped)).toEqual(['q.weight', 'k.weight', 'v.weight', 'v.bias']);
  });

  it('becomes all parameters of the reference in its order, with offsets 0, steps 1, and proj copied', () => {
    const proj = tf.fill([24, 24], 0.5);
    const float = new Map([
      ['a.qkv.weight', live(entry, 'qkv.weight')],
      ['a.qkv.bias', live(entry, 'qkv.bias')],
      ['a.proj.weight', proj],
      ['a.proj.bias', tf.fill([24], 2)],
    ]);
    const parameters = qkrFromFloat(float, 'a', sizes);
    const reference = ofqCase('attn_qkr_w2a2').tensors;
    const expected = [...reference.keys()].filter((key) => key.startsWith('param.'));
    expect([...parameters.keys()].map((name) => name.replace(/^a\./, 'param.'))).toEqual(expected);
    for (const { name, shape } of qkrParameters(sizes)) {
      expect(shape, name).toEqual(reference.get(`param.${name}`)!.shape);
      const values = new Set(parameters.get(`a.${name}`)!.dataSync());
      if (name.includes('move_')) expect([...values]).toEqual([0]);
      if (name.endsWith('.s')) expect([...values]).toEqual([1]);
    }
    expect([...new Set(parameters.get('a.proj.weight')!.dataSync())]).toEqual([0.5]);
    tf.dispose([...parameters.values()]);
    expect(proj.isDisposed).toBe(false);
  });

  it('is refused where something is missing or of another width', () => {
    const float = new Map([['qkv.weight', tf.zeros([24, 8])]]);
    expect(() => qkrFromFloat(float, '', { tokens: 3, width: 8, heads: 2 })).toThrow(
      '"qkv.bias" is missing, expected [24] for a width of 8.',
    );
    expect(() => qkrFromFloat(float, '', { tokens: 3, width: 6, heads: 2 })).toThrow(
      '"qkv.weight" is [24, 8], expected [18, 6] for a width of 6.',
    );
    expect(() => qkrFromQkv(tf.zeros([24, 9]), tf.zeros([27]))).toThrow(
      'a weight [3 C, C] and a bias [3 C], got [24, 9] and [27].',
    );
  });
});
