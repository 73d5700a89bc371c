import { VitError } from './error.ts';

/** How an 8-bit image becomes model input: resize the shorter side to imageSize / cropPct, centre crop, (x / 255 - mean) / std. */
export interface Preprocessing {
  /** One value a channel, in units of 1 (not 255). */
  readonly mean: readonly number[];
  /** One positive value a channel. */
  readonly std: readonly number[];
  readonly interpolation: 'bicubic' | 'bilinear';
  /** Share of the resized side that the centre crop keeps, in (0, 1]. */
  readonly cropPct: number;
}

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

/** Larger than any published ViT; a file that asks for more is refused before anything is allocated. */
const largestCount = 65_536;
const largestDepth = 1_024;

/**
 * Refuses a configuration that no model can have, naming every fault at once.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function checkConfig(config: VitConfig): void {
  const problems: string[] = [];
  const demand = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem);
  };
  for (const key of counts) {
    const value = config[key];
    const largest = key === 'depth' ? largestDepth : largestCount;
    demand(
      Number.isInteger(value) && value >= 1 && value <= largest,
      `${key} must be an integer from 1 to ${largest}, got ${value}`,
    );
  }
  const { imageSize, patchSize, embedDim, heads, mlpRatio, layerNormEps, preprocessing, channels } = config;
  demand(imageSize % patchSize === 0, `imageSize ${imageSize} must be a multiple of patchSize ${patchSize}`);
  demand(embedDim % heads === 0, `embedDim ${embedDim} must be a multiple of heads ${heads}`);
  const hidden = embedDim * mlpRatio;
  demand(
    hidden >= 1 && hidden <= largestCount && Math.abs(hidden - Math.round(hidden)) < 1e-6,
    `embedDim ${embedDim} times mlpRatio ${mlpRatio} must be an integer from 1 to ${largestCount}`,
  );
  demand(layerNormEps > 0 && layerNormEps < 1, `layerNormEps must lie in (0, 1), got ${layerNormEps}`);
  const { mean, std, cropPct } = preprocessing;
  demand(
    mean.length === channels && mean.every(Number.isFinite),
    `preprocessing.mean must hold ${channels} finite numbers, got [${mean}]`,
  );
  demand(
    std.length === channels && std.every((value) => value > 0 && Number.isFinite(value)),
    `preprocessing.std must hold ${channels} positive numbers, got [${std}]`,
  );
  demand(cropPct > 0 && cropPct <= 1, `preprocessing.cropPct must lie in (0, 1], got ${cropPct}`);
  if (problems.length > 0) {
    throw new VitError(
      'VIT_CONFIG_INVALID',
      `the configuration "${config.name}" describes no vision transformer: ${problems.join('; ')}.`,
      problems,
    );
  }
}
