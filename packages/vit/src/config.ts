import { ConfigProblems, largestDepth, type Preprocessing } from './config-problems.ts';
import { checkSwinConfig, type SwinConfig } from './swin-config.ts';

export type { Preprocessing };

/** A ViT or DeiT: everything that its parameters' shapes and its forward pass depend on. */
export interface VitConfig {
  /** timm's name of the architecture, e.g. `deit_tiny_patch16_224`. */
  readonly name: string;
  /** Height and width in pixels; a multiple of `patchSize`. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly channels: number;
  /** Width C of a token; a multiple of `heads`. */
  readonly embedDim: number;
  readonly depth: number;
  readonly heads: number;
  /** Hidden width of the MLP over `embedDim`. */
  readonly mlpRatio: number;
  readonly classes: number;
  /** Whether there is a distillation token with a head of its own (DeiT). */
  readonly distilled: boolean;
  readonly layerNormEps: number;
  readonly preprocessing: Preprocessing;
}

/** Hidden width of the MLP. */
export function mlpHidden(config: VitConfig): number {
  return Math.round(config.embedDim * config.mlpRatio);
}

/** Sequence length N: cls, dist in a distilled model, and (imageSize / patchSize)^2 patches. */
export function tokenCount(config: VitConfig): number {
  return (config.distilled ? 2 : 1) + (config.imageSize / config.patchSize) ** 2;
}

const counts = ['imageSize', 'patchSize', 'channels', 'embedDim', 'depth', 'heads', 'classes'] as const;

/**
 * Refuses a configuration that no model can have, naming every fault at once.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function checkConfig(config: VitConfig | SwinConfig): void {
  if (isSwin(config)) {
    checkSwinConfig(config);
    return;
  }
  const problems = new ConfigProblems();
  for (const key of counts) problems.count(key, config[key], key === 'depth' ? largestDepth : undefined);
  const { imageSize, patchSize, embedDim, heads, mlpRatio, layerNormEps, preprocessing, channels } = config;
  problems.demand(
    imageSize % patchSize === 0,
    `imageSize ${imageSize} must be a multiple of patchSize ${patchSize}`,
  );
  problems.demand(embedDim % heads === 0, `embedDim ${embedDim} must be a multiple of heads ${heads}`);
  problems.hidden(embedDim, mlpRatio);
  problems.eps(layerNormEps);
  problems.preprocessing(preprocessing, channels);
  problems.refuse(config.name);
}

/** Whether a configuration is a Swin Transformer's, which has several depths. */
export function isSwin(config: VitConfig | SwinConfig): config is SwinConfig {
  return 'depths' in config;
}
