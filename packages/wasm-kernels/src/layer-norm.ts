import { util } from '@tensorflow/tfjs-core';
import { ownKernel } from './own-kernel.ts';

/** x [..., C], weight [C], bias [C]; eps -> y [..., C], mean [..., 1], 1 / sqrt(variance + eps) [..., 1]. */
export const layerNormKernel = ownKernel<'x' | 'weight' | 'bias'>(
  'LayerNorm',
  ({ x, weight, bias }, { attrs, heap: { kernels, offset }, make }) => {
    const kept = [...x.shape.slice(0, -1), 1];
    const [y, mean, inverse] = [make(x.shape), make(kept), make(kept)];
    kernels.layerNorm(
      util.sizeFromShape(kept),
      weight.shape[0]!,
      offset(x),
      offset(weight),
      offset(bias),
      attrs['eps']!,
      offset(y),
      offset(mean),
      offset(inverse),
    );
    return [y, mean, inverse];
  },
);

/** dy and x [..., C], weight [C], what `LayerNorm` kept -> dx [..., C], dweight [C], dbias [C]. */
export const layerNormGradientKernel = ownKernel<'dy' | 'x' | 'weight' | 'mean' | 'inverse'>(
  'LayerNormGradient',
  ({ dy, x, weight, mean, inverse }, { heap: { kernels, offset }, make }) => {
    const [dx, dWeight, dBias] = [make(x.shape), make(weight.shape), make(weight.shape)];
    kernels.layerNormGradient(
      util.sizeFromShape(mean.shape),
      weight.shape[0]!,
      offset(dy),
      offset(x),
      offset(weight),
      offset(mean),
      offset(inverse),
      0,
      offset(dx),
      offset(dWeight),
      offset(dBias),
      0,
    );
    return [dx, dWeight, dBias];
  },
);
