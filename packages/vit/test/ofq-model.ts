import type { OfqCase } from '@proj/fixtures';
import { type VitConfig, vitConfigs } from '../src/forward.ts';

/** The configuration of a case with a whole distilled DeiT. */
export const configOf = ({ config }: OfqCase): VitConfig => ({
  ...vitConfigs.deit_tiny_distilled_patch16_224,
  imageSize: config['img'] as number,
  patchSize: config['patch'] as number,
  embedDim: config['embed'] as number,
  depth: config['depth'] as number,
  heads: config['heads'] as number,
  mlpRatio: config['mlp_ratio'] as number,
  classes: config['classes'] as number,
  layerNormEps: config['ln_eps'] as number,
});
