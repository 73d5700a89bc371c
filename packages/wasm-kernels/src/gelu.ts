import { util } from '@tensorflow/tfjs-core';
import { ownKernel } from './own-kernel.ts';

/** x of any shape -> x Φ(x), the erf form. */
export const geluKernel = ownKernel<'x'>('Gelu', ({ x }, { heap: { kernels, offset }, make }) => {
  const y = make(x.shape);
  kernels.gelu(util.sizeFromShape(x.shape), offset(x), offset(y));
  return y;
});

/** dy and x of any shape -> dx. */
export const geluGradientKernel = ownKernel<'dy' | 'x'>(
  'GeluGradient',
  ({ dy, x }, { heap: { kernels, offset }, make }) => {
    const dx = make(x.shape);
    kernels.geluGradient(util.sizeFromShape(x.shape), offset(dy), offset(x), offset(dx));
    return dx;
  },
);
