import { linear, type NamedTensors } from '@proj/ops';
import { maxPool, type Tensor, type Tensor4D, tidy, transpose } from '@tensorflow/tfjs-core';
import { ConvnetError } from './error.ts';
import type { ConvnetLayers } from './layers.ts';
import { averages, convolution, convolutionWithBias, reluOf, subsampled } from './maps.ts';
import { named } from './named-tensors.ts';

/** What training does otherwise than evaluation. */
export interface Mode {
  /** Batch normalisation of x [B, height, width, channels]: the outcome, then whatever else must outlive the layer. */
  readonly norm: (x: Tensor, prefix: string) => [y: Tensor, ...rest: Tensor[]];
  /** Takes over what `norm` returned beside y. */
  readonly keepStatistics?: (prefix: string, statistics: Tensor[]) => void;
  /** The hidden values of a classifier's layer [B, features] with some of them dropped. */
  readonly dropout: (x: Tensor, rate: number, linear: string) => Tensor;
}

/** The layers on float32 tensors; each leaves one tensor, its result. */
export function tensorLayers(parameters: NamedTensors, mode: Mode): ConvnetLayers<Tensor> {
  const get = named(parameters);
  return {
    images(images, { channels, imageSize }) {
      requireImages(images, channels, imageSize);
      return transpose(images, [0, 2, 3, 1]);
    },
    conv(x, at, residual) {
      const [y, ...statistics] = tidy(() => {
        const weight = get(`${at.conv}.weight`);
        const { norm, relu } = at;
        if (at.bias && norm === undefined && residual === undefined) {
          return [convolutionWithBias(x, weight, get(`${at.conv}.bias`), at, relu)];
        }
        const convolved = at.bias
          ? convolutionWithBias(x, weight, get(`${at.conv}.bias`), at, false)
          : convolution(x, weight, at);
        const [normalised, ...rest] = norm === undefined ? [convolved] : mode.norm(convolved, norm);
        return [relu ? reluOf(normalised, residual) : normalised, ...rest];
      });
      if (statistics.length > 0) mode.keepStatistics?.(at.norm!, statistics);
      return y!;
    },
    maxPool: (x, { kernel, stride, padding }) => maxPool(x as Tensor4D, kernel, stride, padding),
    subsample: (x, at) => tidy(() => subsampled(x, at)),
    head: (x, { side, pool, linears, dropout }) =>
      tidy(() =>
        linears.reduce(
          (features, { linear: name }, i) => {
            const y = linear(features, get(`${name}.weight`), get(`${name}.bias`));
            return i === linears.length - 1 ? y : mode.dropout(reluOf(y), dropout, name);
          },
          averages(x, side, pool),
        ),
      ),
  };
}

function requireImages(images: Tensor, channels: number, imageSize: number): void {
  const { shape, dtype } = images;
  const [, ...size] = shape;
  if (dtype === 'float32' && size.join() === `${channels},${imageSize},${imageSize}`) return;
  throw new ConvnetError(
    'CONVNET_INPUT_SHAPE',
    `images must be float32 [B, ${channels}, ${imageSize}, ${imageSize}], got ${dtype} [${shape}]; preprocess() makes them from bytes.`,
  );
}
