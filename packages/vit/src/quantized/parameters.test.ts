import { ofqCase } from '@proj/fixtures';
import { expect, it } from 'vitest';
import { configOf } from '../../test/ofq-model.ts';
import { vitConfig } from '../configurations.ts';
import { swinConfig } from '../swin-configurations.ts';
import { formatPlan, layerBits, ofqPlan, type QuantizedDesign, quantizableLayers } from './design.ts';
import { quantizedBuffers, quantizedParameters } from './parameters.ts';

const entry = ofqCase('model_deit_qkr_w2a2');
const config = configOf(entry);
const design: QuantizedDesign = { plan: ofqPlan(config, 2), weights: 'statsq', attention: 'qkr' };

/** Names and shapes of a case's parameters, in its order. */
const parametersOf = (name: string, prefix = '') =>
  [...ofqCase(name).tensors]
    .filter(([key]) => key.startsWith('param.'))
    .map(([key, { shape }]) => ({ name: prefix + key.slice('param.'.length), shape }));

it("a quantized DeiT has the reference checkpoint's parameters, in its order", () => {
  expect(quantizedParameters(config, design)).toEqual(parametersOf('model_deit_qkr_w2a2'));
  expect(quantizedBuffers(config, design)).toEqual([
    { name: 'patch_embed.proj.input_quant_fn.signed', shape: [1] },
  ]);
});

it('without QKR each attention has those of QAttention, or of QAttention_lsq where weights have steps', () => {
  const one = { ...config, distilled: false, imageSize: 50, patchSize: 25 };
  for (const [weights, name] of [
    ['statsq', 'attn_plain_w2a2'],
    ['lsq', 'attn_lsq_w2a2'],
    ['lsq+', 'attn_lsq_w2a2'],
  ] as const) {
    const found = quantizedParameters(one, { ...design, weights, attention: 'plain' });
    const attention = found.filter(({ name }) => name.startsWith('blocks.0.attn.'));
    const expected = parametersOf(name, 'blocks.0.attn.');
    expect(attention.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
    // The cases have 7 tokens, which no square of patches has; here it is 5.
    expect(attention.map(({ shape }) => shape)).toEqual(
      expected.map(({ shape }) => shape.map((size) => (size === 7 ? 5 : size))),
    );
  }
});

it("the published model's size is that of the paper's code: 6,081,509 numbers of a DeiT-T", () => {
  const deit = vitConfig('deit_tiny_distilled_patch16_224');
  const count = quantizedParameters(deit, { ...design, plan: ofqPlan(deit, 2) }).reduce(
    (sum, { shape }) => sum + shape.reduce((size, length) => size * length, 1),
    0,
  );
  expect(count).toBe(6_081_509);
});

it('a plan gives bits by prefix, says where each layer has them from, and refuses what fits nothing', () => {
  const plan = { ...ofqPlan(config, 2), 'blocks.1.attn.proj': 'w4a4' };
  expect(
    formatPlan(config, { plan })
      .split('\n')
      .map((line) => line.trimEnd()),
  ).toEqual([
    'layer               bits  from',
    'patch_embed.proj    w8a8  patch_embed',
    'blocks.0.attn       w2a2  default',
    'blocks.0.attn.proj  w2a2  default',
    'blocks.0.mlp.fc1    w2a2  default',
    'blocks.0.mlp.fc2    w2a2  default',
    'blocks.1.attn       w2a2  default',
    'blocks.1.attn.proj  w4a4  blocks.1.attn.proj',
    'blocks.1.mlp.fc1    w2a2  default',
    'blocks.1.mlp.fc2    w2a2  default',
    'head                w8a8  head',
    'head_dist           w8a8  head',
  ]);
  const wrong = { ...plan, 'blocks.2': 'w2a2', head: 'w1a1' };
  expect(() => quantizedParameters(config, { ...design, plan: wrong })).toThrow(
    expect.objectContaining({
      code: 'QS_BIT_PLAN_INVALID',
      problems: ['"head" is "w1a1", which is not w{2,3,4,8}a{2,3,4,8}', '"blocks.2" fits no layer'],
    }),
  );
});

it("Swin's layers are called as in the quantized model", () => {
  const swin = swinConfig('swin_cifar_32');
  expect(quantizableLayers(swin).slice(0, 5)).toEqual([
    'features.0.0',
    'features.1.0.attn',
    'features.1.0.attn.proj',
    'features.1.0.mlp.fc1',
    'features.1.0.mlp.fc2',
  ]);
  const bits = layerBits(swin, { plan: ofqPlan(swin, 3) });
  expect([bits.get('features.0.0')!.weight, bits.get('features.2.reduction')!.weight]).toEqual([8, 3]);
});
