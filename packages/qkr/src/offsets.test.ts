import '@proj/ops/gradients';
import '@tensorflow/tfjs-backend-cpu';
import { ofqCase } from '@proj/fixtures';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectReference, group, live } from '../test/reference.ts';
import { qkrAttention } from './attention.ts';
import { leastEps, leftOutOfTraining } from './offsets.ts';
import { qkrParameters } from './parameters.ts';

beforeAll(() => tf.setBackend('cpu'));

const spec = { heads: 3, weightBits: 2, activationBits: 2 } as const;

describe('the shift after the keys’ quantizer', () => {
  const entry = ofqCase('attn_qkr_w2a2');
  const [x, parameters] = [live(entry, 'x'), group(entry, 'param')];
  const names = qkrParameters({ tokens: 7, width: 24, heads: 3 }).map(({ name }) => name);

  it('is the one parameter to leave out of training, wherever it stands', () => {
    expect(names.filter(leftOutOfTraining)).toEqual(['move_qkx_aft.bias']);
    expect(leftOutOfTraining('blocks.3.attn.move_qkx_aft.bias')).toBe(true);
    expect(leftOutOfTraining('blocks.3.attn.move_v_aft.bias')).toBe(false);
  });

  it('does not matter: without it the attention is the same, and its gradient is noise', () => {
    const without = new Map([...parameters, ['move_qkx_aft.bias', tf.zeros([72])]]);
    expectReference(entry, 'y', qkrAttention(x, without, '', spec));
    const gradient = tf.grad((shift) =>
      qkrAttention(x, new Map([...parameters, ['move_qkx_aft.bias', shift]]), '', spec),
    )(parameters.get('move_qkx_aft.bias')!, live(entry, 'g'));
    const largest = tf.max(tf.abs(gradient)).dataSync()[0]!;
    const scale = tf.max(tf.abs(live(entry, 'grad.move_v_aft.bias'))).dataSync()[0]!;
    expect(largest / scale).toBeLessThan(1e-6);
    expect(leastEps).toBe(1e-6);
  });
});
