import { describe, expect, it } from 'vitest';
import { formatBitPlan, resolveBitPlan } from './bit-plan.ts';
import { formatLayerBits } from './bits.ts';

const layers = [
  'patch_embed.proj',
  'blocks.0.mlp.fc1',
  'blocks.0.mlp.fc2',
  'blocks.10.mlp.fc1',
  'head',
  'head_dist',
];
const bits = (plan: Record<string, string>): string[] =>
  [...resolveBitPlan(plan, layers).values()].map(formatLayerBits);

describe('a bit plan', () => {
  it('gives a layer the bits of the longest key that its name begins with, at dots and underscores', () => {
    const both = ['w8a8', 'w2a2', 'w2a2', 'w2a2', 'w8a8'];
    expect(bits({ default: 'w2a2', patch_embed: 'w8a8', head: 'w8a8' })).toEqual([...both, 'w8a8']);
    const own = { default: 'w2a2', patch_embed: 'w8a8', head: 'w8a8', head_dist: 'w4a4' };
    expect(bits(own)).toEqual([...both, 'w4a4']);
  });

  it('has no key that ends within a word or a number', () => {
    const numbered = ['blocks.1.mlp.fc1', 'blocks.10.mlp.fc1'];
    const plan = resolveBitPlan({ default: 'w2a2', 'blocks.1': 'w4a4' }, numbered);
    expect([...plan.values()].map(({ rule }) => rule)).toEqual(['blocks.1', 'default']);
    expect(() => resolveBitPlan({ default: 'w2a2', 'blocks.1.mlp.fc': 'w4a4' }, numbered)).toThrow(
      '"blocks.1.mlp.fc" fits no layer',
    );
  });

  it('knows no order of its keys', () => {
    const plan = { 'blocks.0.mlp.fc2': 'w4a8', blocks: 'w2a3', default: 'w8a8', 'blocks.0': 'w3a3' };
    const expected = ['w8a8', 'w3a3', 'w4a8', 'w2a3', 'w8a8', 'w8a8'];
    expect(bits(plan)).toEqual(expected);
    expect(bits(Object.fromEntries(Object.entries(plan).reverse()))).toEqual(expected);
  });

  it('prints as a table', () => {
    const resolved = resolveBitPlan({ default: 'w2a2', head: 'w8a8' }, ['blocks.0.mlp.fc1', 'head']);
    expect(formatBitPlan(resolved)).toBe(
      [
        'layer             bits  from', //
        'blocks.0.mlp.fc1  w2a2  default',
        'head              w8a8  head',
      ].join('\n'),
    );
  });

  it('lists every key that fits nothing, every value that is none, and every layer without bits, with the layers there are', () => {
    const plan = {
      heads: 'w8a8',
      'blocks.1': 'w2a2',
      head: 'w5a5',
      'blocks.0': 'W2A2',
      patch_embed: 'w8a8 ',
    };
    expect(() => resolveBitPlan(plan, layers)).toThrow(
      expect.objectContaining({
        code: 'QS_BIT_PLAN_INVALID',
        problems: [
          '"heads" fits no layer',
          '"blocks.1" fits no layer',
          '"head" is "w5a5", which is not w{2,3,4,8}a{2,3,4,8}',
          '"blocks.0" is "W2A2", which is not w{2,3,4,8}a{2,3,4,8}',
          '"patch_embed" is "w8a8 ", which is not w{2,3,4,8}a{2,3,4,8}',
          'no bits for blocks.10.mlp.fc1: add "default"',
        ],
        message: expect.stringContaining(`The layers are: ${layers.join(', ')}.`),
      }),
    );
    expect(() => resolveBitPlan(JSON.parse('{"default": 2}') as never, ['head'])).toThrow('"default" is 2');
    expect(() =>
      resolveBitPlan(JSON.parse('{"__proto__": "w2a2", "default": "w2a2"}') as never, ['head']),
    ).toThrow('"__proto__" fits no layer');
  });
});
