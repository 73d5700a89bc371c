import { describe, expect, it } from 'vitest';
import { publishedSchedule } from './published.ts';
import { targetRules } from './targets.ts';

const deit = [
  'blocks.0.attn.q.weight',
  'blocks.0.attn.k.weight',
  'blocks.0.attn.v.weight',
  'blocks.0.attn.v.bias',
  'blocks.0.attn.qkv.weight',
  'blocks.0.attn.proj.weight',
  'blocks.0.attn.proj.input_quant_fn.s',
  'blocks.0.mlp.fc1.weight',
  'blocks.0.mlp.fc2.weight',
  'patch_embed.proj.weight',
  'head.weight',
];

describe('the published targets', () => {
  it('of DeiT are linear weights within blocks, but W_q and W_k only where they are quantized', () => {
    const layers = ['attn.proj', 'mlp.fc1', 'mlp.fc2'].map((layer) => `blocks.0.${layer}.weight`);
    expect(deit.filter(targetRules.deitQkr)).toEqual(['blocks.0.attn.v.weight', ...layers]);
    expect(deit.filter(targetRules.deit)).toEqual(['blocks.0.attn.qkv.weight', ...layers]);
  });

  it('of Swin stand anywhere, with the merging of patches', () => {
    const swin = [
      'features.0.0.weight',
      'features.1.0.attn.v.weight',
      'features.1.0.attn.proj.weight',
      'features.1.0.mlp.fc1.weight',
      'features.2.reduction.weight',
      'features.2.norm.weight',
      'head.weight',
    ];
    const layers = swin.slice(2, 5);
    expect(swin.filter(targetRules.swinQkr)).toEqual(['features.1.0.attn.v.weight', ...layers]);
    expect(swin.filter(targetRules.swin)).toEqual(layers);
  });

  it('are annealed at a constant rate', () => {
    expect(publishedSchedule).toEqual({ boundaryRange: 0.005, epochs: 30, learningRate: 1e-5 });
  });
});
