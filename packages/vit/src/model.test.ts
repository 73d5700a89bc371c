import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type VitLayers, vit, vitConfigs, vitOutputs } from './forward.ts';

/** Layers that only write down what they were asked for. */
const recorder: VitLayers<readonly string[]> = {
  embed: (images, at) => [
    ...images,
    `embed ${at.proj} ${at.tokens.join('+')} ${at.position} ${at.patchSize}`,
  ],
  attention: (x, at) => [...x, `attention ${at.norm} ${at.attn} ${at.heads} ${at.eps}`],
  mlp: (x, at) => [...x, `mlp ${at.norm} ${at.mlp} ${at.eps}`],
  head: (x, at) => [
    ...x,
    `head ${at.norm} ${at.heads.map(({ head, token }) => `${head}:${token}`).join('+')}`,
  ],
};

describe('the forward pass', () => {
  it('asks for embedding, blocks and head in order, with timm names, whatever stands for an activation', () => {
    const config = { ...vitConfigs.deit_small_distilled_patch16_224, depth: 2 };
    const body = [
      'embed patch_embed.proj cls_token+dist_token pos_embed 16',
      'attention blocks.0.norm1 blocks.0.attn 6 0.000001',
      'mlp blocks.0.norm2 blocks.0.mlp 0.000001',
      'attention blocks.1.norm1 blocks.1.attn 6 0.000001',
      'mlp blocks.1.norm2 blocks.1.mlp 0.000001',
    ];
    expect(vit(config, recorder, [])).toEqual([...body, 'head norm head:0+head_dist:1']);
    expect(vitOutputs(config, recorder, [])).toEqual([
      [...body, 'head norm head:0'],
      [...body, 'head norm head_dist:1'],
    ]);
  });

  it('has one token and one head without distillation', () => {
    const steps = vit(vitConfigs.vit_digits_28, recorder, []);
    expect(steps).toHaveLength(10);
    expect(steps[0]).toBe('embed patch_embed.proj cls_token pos_embed 7');
    expect(steps.at(-1)).toBe('head norm head:0');
    expect(vitOutputs(vitConfigs.vit_digits_28, recorder, [])).toEqual([steps]);
  });

  it('refuses an impossible configuration before any layer runs', () => {
    expect(() => vit({ ...vitConfigs.vit_digits_28, heads: 5 }, recorder, [])).toThrow(
      expect.objectContaining({ code: 'VIT_CONFIG_INVALID' }),
    );
  });

  it('and everything else behind ./forward imports nothing but files of this package', () => {
    const seen = new Set<string>();
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const source = readFileSync(new URL(file, import.meta.url), 'utf8');
      for (const [, target] of source.matchAll(/from '([^']+)'/g)) {
        expect(target, `imported by ${file}`).toMatch(/^\.\//);
        follow(target!);
      }
    };
    follow('./forward.ts');
    expect(seen.size).toBeGreaterThan(5);
  });
});
