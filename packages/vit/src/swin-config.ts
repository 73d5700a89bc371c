import { ConfigProblems, largestDepth, type Preprocessing } from './config-problems.ts';

/** A Swin Transformer: everything that its parameters' shapes and its forward pass depend on. */
export interface SwinConfig {
  /** torchvision's name of the architecture, e.g. `swin_t`. */
  readonly name: string;
  /** Height and width in pixels; every stage's feature map must be cut into whole windows. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly channels: number;
  /** Width C of a token in the first stage; it doubles from stage to stage. */
  readonly embedDim: number;
  /** Blocks of each stage; every second one shifts its windows by half of them. */
  readonly depths: readonly number[];
  /** Attention heads of each stage. */
  readonly heads: readonly number[];
  /** Height and width of a window, in tokens. */
  readonly windowSize: number;
  /** Hidden width of the MLP over the width of its tokens. */
  readonly mlpRatio: number;
  readonly classes: number;
  readonly layerNormEps: number;
  readonly preprocessing: Preprocessing;
}

/** One stage, between two mergers of patches. */
export interface SwinStage {
  /** Prefix of its blocks, torchvision's `features.1`, `features.3` and so on. */
  readonly blocks: string;
  /** Prefix of the merger that follows; none after the last stage. */
  readonly merge: string | undefined;
  /** Height and width of its feature map, in tokens. */
  readonly side: number;
  /** Width of its tokens. */
  readonly width: number;
  /** Hidden width of its MLPs. */
  readonly hidden: number;
  readonly depth: number;
  readonly heads: number;
}

/** The stages from shallow to deep. */
export function swinStages(config: SwinConfig): SwinStage[] {
  const { imageSize, patchSize, embedDim, depths, heads, mlpRatio } = config;
  return depths.map((depth, stage) => {
    const width = embedDim * 2 ** stage;
    return {
      blocks: `features.${2 * stage + 1}`,
      merge: stage + 1 < depths.length ? `features.${2 * stage + 2}` : undefined,
      side: imageSize / patchSize / 2 ** stage,
      width,
      hidden: Math.round(width * mlpRatio),
      depth,
      heads: heads[stage]!,
    };
  });
}

const counts = ['imageSize', 'patchSize', 'channels', 'embedDim', 'windowSize', 'classes'] as const;

/** More stages than any image has halves. */
const mostStages = 12;

/**
 * Refuses a configuration that no model can have, naming every fault at once, but those of stages only where there are none
 * before. Feature maps that are not cut into whole windows,
 * which torchvision pads, are refused, too.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function checkSwinConfig(config: SwinConfig): void {
  const problems = new ConfigProblems();
  for (const key of counts) problems.count(key, config[key]);
  const { depths, heads, windowSize, mlpRatio, layerNormEps, preprocessing, channels } = config;
  problems.demand(
    depths.length >= 1 && depths.length <= mostStages && depths.length === heads.length,
    `depths and heads must hold one number for each of 1 to ${mostStages} stages, got [${depths}] and [${heads}]`,
  );
  problems.refuse(config.name);
  for (const [stage, { side, width, depth, heads }] of swinStages(config).entries()) {
    problems.count(`depths[${stage}]`, depth, largestDepth);
    problems.count(`heads[${stage}]`, heads);
    problems.demand(
      side % windowSize === 0,
      `stage ${stage} has a feature map of ${side} x ${side} tokens, which must be whole windows of ${windowSize} x ${windowSize}`,
    );
    problems.demand(
      width % heads === 0,
      `stage ${stage} has tokens of ${width}, which must be a multiple of its ${heads} heads`,
    );
    problems.hidden(width, mlpRatio);
  }
  problems.eps(layerNormEps);
  problems.preprocessing(preprocessing, channels);
  problems.refuse(config.name);
}
