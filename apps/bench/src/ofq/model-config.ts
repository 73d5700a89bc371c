import type { OfqCase } from '@proj/fixtures';
import { type VitConfig, vitConfigs } from '@proj/vit';
import type { QuantizedDesign } from '@proj/vit/quantized';

interface Quantized {
  readonly config: VitConfig;
  readonly design: QuantizedDesign;
}

const designOf = (bits: unknown, ends: Readonly<Record<string, string>>): QuantizedDesign => ({
  plan: { default: `w${bits}a${bits}`, ...ends },
  weights: 'statsq',
  attention: 'qkr',
});

/** The tiny distilled DeiT of a case, and how it is quantized. */
export function modelConfig({ config }: OfqCase): Quantized {
  const of = (name: string): number => config[name] as number;
  const [embed, head] = [config['patch_embed_bits'] ?? 8, config['head_bits'] ?? 8];
  return {
    config: {
      ...vitConfigs.deit_tiny_distilled_patch16_224,
      imageSize: of('img'),
      patchSize: of('patch'),
      embedDim: of('embed'),
      depth: of('depth'),
      heads: of('heads'),
      mlpRatio: of('mlp_ratio'),
      classes: of('classes'),
      layerNormEps: (config['ln_eps'] as number | undefined) ?? 1e-6,
    },
    design: designOf(config['block_bits'] ?? config['bits'], {
      patch_embed: `w${embed}a${embed}`,
      head: `w${head}a${head}`,
    }),
  };
}

/** A model of which a case has the one block. */
export function blockConfig({ config }: OfqCase): Quantized & { eps: number; heads: number } {
  const of = (name: string): number => config[name] as number;
  const [embedDim, heads, eps] = [of('dim'), of('num_heads'), of('ln_eps')];
  const model = { ...vitConfigs.deit_tiny_distilled_patch16_224, depth: 1, embedDim, heads };
  return {
    config: { ...model, mlpRatio: of('mlp_hidden') / embedDim, layerNormEps: eps },
    design: designOf(config['bits'], {}),
    eps,
    heads,
  };
}
