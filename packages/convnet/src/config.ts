import { ConfigProblems } from './config-problems.ts';
import { network } from './network.ts';

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

interface Common {
  /** torchvision's or akamaster's name of the architecture, e.g. `vgg16_bn`. */
  readonly name: string;
  /** Height and width of the images in pixels. */
  readonly imageSize: number;
  /** Of the images. */
  readonly channels: number;
  readonly classes: number;
  readonly preprocessing: Preprocessing;
}

/** A VGG (Simonyan and Zisserman 2015): everything that its parameters' shapes and its forward pass depend on. */
export interface VggConfig extends Common {
  readonly architecture: 'vgg';
  /** Output channels of the 3x3 convolutions, stage by stage; a 2x2 maximum ends each stage. */
  readonly stages: readonly (readonly number[])[];
  /** Whether each convolution is batch normalised. */
  readonly batchNorm: boolean;
  readonly head: {
    /** Side of the map that the last features are averaged to; 1 averages them whole. */
    readonly pool: number;
    /** Widths of the linear layers before the last one, each with a ReLU. */
    readonly hidden: readonly number[];
    /** Share of the hidden values dropped in training. */
    readonly dropout: number;
  };
}

/** A ResNet (He et al. 2016): everything that its parameters' shapes and its forward pass depend on. */
export interface ResNetConfig extends Common {
  readonly architecture: 'resnet';
  /**
   * `cifar`: a 3x3 convolution, shortcuts without parameters (option A of section 4.2), akamaster's names;
   * `imagenet`: a 7x7 convolution of stride 2, a 3x3 maximum of stride 2, projected shortcuts, torchvision's names.
   */
  readonly style: 'cifar' | 'imagenet';
  /** Two 3x3 convolutions; or 1x1, 3x3 with the stride, and 1x1 to four times the width. Only `basic` in the cifar style. */
  readonly block: 'basic' | 'bottleneck';
  /** Channels of each stage's 3x3 convolutions; the first is the stem's width too. In the cifar style each doubles the one before. */
  readonly widths: readonly number[];
  /** Blocks of each stage; every stage but the first halves the map. */
  readonly depths: readonly number[];
}

export type ConvnetConfig = VggConfig | ResNetConfig;

/**
 * Refuses a configuration that no model can have, naming every fault at once.
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_INVALID`.
 */
export function checkConfig(config: ConvnetConfig): void {
  const problems = new ConfigProblems();
  for (const key of ['imageSize', 'channels', 'classes'] as const) problems.count(key, config[key]);
  problems.preprocessing(config.preprocessing, config.channels);
  if (config.architecture === 'vgg') checkVgg(config, problems);
  else checkResNet(config, problems);
  problems.refuse(config.name);
  // Only a well-formed configuration can be laid out, and only then its maps have sizes.
  const { head, steps } = network(config);
  for (const step of steps) {
    if (step.kind === 'block' && step.subsample !== undefined) {
      const { side } = step.subsample;
      problems.demand(
        side % 2 === 0,
        `imageSize ${config.imageSize} makes a map of ${side} pixels, which no stage can halve`,
      );
    }
  }
  problems.demand(
    head.side >= head.pool && head.side % head.pool === 0,
    `imageSize ${config.imageSize} makes last features of ${head.side} x ${head.side}, which cannot be averaged to ${head.pool} x ${head.pool}`,
  );
  problems.refuse(config.name);
}

function checkVgg({ stages, head }: VggConfig, problems: ConfigProblems): void {
  problems.list('stages', stages);
  problems.demand(
    stages.every((stage) => stage.length > 0),
    'every stage needs a convolution',
  );
  for (const width of stages.flat()) problems.count('a width in stages', width);
  problems.depth(stages.flat().length);
  problems.count('head.pool', head.pool);
  for (const width of head.hidden) problems.count('a width in head.hidden', width);
  problems.demand(
    head.dropout >= 0 && head.dropout < 1,
    `head.dropout must lie in [0, 1), got ${head.dropout}`,
  );
}

function checkResNet({ style, block, widths, depths }: ResNetConfig, problems: ConfigProblems): void {
  problems.list('depths', depths);
  for (const depth of depths) problems.count('a depth', depth);
  for (const width of widths) problems.count('a width', width);
  problems.depth(depths.reduce((sum, depth) => sum + depth, 0));
  problems.demand(
    widths.length === depths.length,
    `there are ${widths.length} widths for ${depths.length} depths`,
  );
  if (style === 'imagenet') return;
  problems.demand(block === 'basic', 'block must be "basic" in the cifar style');
  problems.demand(
    widths.every((width, i) => i === 0 || width === 2 * widths[i - 1]!) && widths[0]! % 2 === 0,
    `widths must begin with an even number and double from stage to stage in the cifar style, got [${widths}]`,
  );
}
