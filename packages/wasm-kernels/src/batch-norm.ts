import { util } from '@tensorflow/tfjs-core';
import { ownKernel } from './own-kernel.ts';

/** x [..., C] -> the mean and the population variance of each channel [2, C]. */
export const channelStatisticsKernel = ownKernel<'x'>(
  'ChannelStatistics',
  ({ x }, { heap: { kernels, offset, withScratch }, make }) => {
    const channels = x.shape.at(-1)!;
    const statistics = make([2, channels]);
    withScratch(kernels.batchNormScratch(channels), (scratch) => {
      const mean = offset(statistics);
      kernels.channelStatistics(rowsOf(x), channels, offset(x), mean, mean + 4 * channels, scratch);
    });
    return statistics;
  },
);

/** x [..., C], weight, bias, mean, variance [C]; eps -> y. */
export const batchNormKernel = ownKernel<'x' | 'weight' | 'bias' | 'mean' | 'variance'>(
  'BatchNorm',
  ({ x, weight, bias, mean, variance }, { attrs, heap: { kernels, offset, withScratch }, make }) => {
    const channels = x.shape.at(-1)!;
    const y = make(x.shape);
    withScratch(kernels.batchNormScratch(channels), (scratch) =>
      kernels.batchNorm(
        rowsOf(x),
        channels,
        attrs['eps']!,
        offset(x),
        offset(weight),
        offset(bias),
        offset(mean),
        offset(variance),
        offset(y),
        scratch,
      ),
    );
    return y;
  },
);

/** dy and x [..., C], weight, mean, variance [C]; eps, training (1 where mean and variance are those of x) -> dx, dweight, dbias. */
export const batchNormGradientKernel = ownKernel<'dy' | 'x' | 'weight' | 'mean' | 'variance'>(
  'BatchNormGradient',
  ({ dy, x, weight, mean, variance }, { attrs, heap: { kernels, offset, withScratch }, make }) => {
    const channels = x.shape.at(-1)!;
    const [dx, dWeight, dBias] = [make(x.shape), make(weight.shape), make(weight.shape)];
    withScratch(kernels.batchNormScratch(channels), (scratch) =>
      kernels.batchNormGradient(
        rowsOf(x),
        channels,
        attrs['eps']!,
        attrs['training']!,
        offset(dy),
        offset(x),
        offset(weight),
        offset(mean),
        offset(variance),
        offset(dx),
        offset(dWeight),
        offset(dBias),
        scratch,
      ),
    );
    return [dx, dWeight, dBias];
  },
);

const rowsOf = ({ shape }: { readonly shape: number[] }): number => util.sizeFromShape(shape.slice(0, -1));
