import type { ResNetConfig } from './config.ts';
import type { ConvSpec, MaxPoolSpec } from './layers.ts';
import { type Block, type Network, type Step, sideAfter } from './steps.ts';

const stemPool: MaxPoolSpec = { kernel: 3, stride: 2, padding: 1 };

/** A bottleneck's outputs over its width. */
const expansion = { basic: 1, bottleneck: 4 } as const;

/** ResNets of both styles: `conv1`, `bn1`, `layerL.I` with L from 1 and I from 0, and `linear` (akamaster) or `fc` (torchvision). */
export function resNet(config: ResNetConfig): Network {
  const { style, block, widths, depths, channels, classes } = config;
  const stem =
    style === 'cifar'
      ? convolution('conv1', 'bn1', [channels, widths[0]!], 3)
      : convolution('conv1', 'bn1', [channels, widths[0]!], 7, 2);
  const steps: Step[] = [{ kind: 'conv', at: stem }];
  let side = sideAfter(config.imageSize, stem);
  if (style === 'imagenet') {
    steps.push({ kind: 'maxPool', at: stemPool });
    side = sideAfter(side, stemPool);
  }
  let inChannels = widths[0]!;
  for (const [stage, depth] of depths.entries()) {
    const width = widths[stage]!;
    for (let i = 0; i < depth; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      const made = residualBlock(config, `layer${stage + 1}.${i}`, { inChannels, width, stride, side });
      steps.push(made);
      inChannels = width * expansion[block];
      side = sideAfter(side, { kernel: 3, stride, padding: 1 });
    }
  }
  const linear = {
    linear: style === 'cifar' ? 'linear' : 'fc',
    inFeatures: inChannels,
    outFeatures: classes,
  };
  return { steps, head: { side, pool: 1, linears: [linear], dropout: 0 } };
}

function residualBlock(
  { style, block }: ResNetConfig,
  name: string,
  { inChannels, width, stride, side }: Record<'inChannels' | 'width' | 'stride' | 'side', number>,
): Block {
  const outChannels = width * expansion[block];
  const conv = (i: number, ends: [number, number], kernel: number, stride = 1): ConvSpec =>
    convolution(`${name}.conv${i}`, `${name}.bn${i}`, ends, kernel, stride);
  // The stride of a bottleneck is that of its 3x3 convolution, as in torchvision ("ResNet v1.5"); in the paper it is the first 1x1's.
  const convs =
    block === 'basic'
      ? [conv(1, [inChannels, width], 3, stride), conv(2, [width, width], 3)]
      : [
          conv(1, [inChannels, width], 1),
          conv(2, [width, width], 3, stride),
          conv(3, [width, outChannels], 1),
        ];
  const changes = stride !== 1 || inChannels !== outChannels;
  return {
    kind: 'block',
    convs,
    projection:
      changes && style === 'imagenet'
        ? {
            ...convolution(
              `${name}.downsample.0`,
              `${name}.downsample.1`,
              [inChannels, outChannels],
              1,
              stride,
            ),
            relu: false,
          }
        : undefined,
    subsample:
      changes && style === 'cifar'
        ? { side, inChannels, padding: (outChannels - inChannels) / 2 }
        : undefined,
  };
}

function convolution(
  conv: string,
  norm: string,
  [inChannels, outChannels]: readonly [number, number],
  kernel: number,
  stride = 1,
): ConvSpec {
  const padding = (kernel - 1) / 2;
  return { conv, bias: false, norm, inChannels, outChannels, kernel, stride, padding, relu: true };
}
