import { type KernelConfig, util } from '@tensorflow/tfjs-core';
import { ownKernel } from './own-kernel.ts';

/** x of any shape -> gelu(x). */
const value = (name: string, kernel: 'gelu' | 'geluTanh'): KernelConfig =>
  ownKernel<'x'>(name, ({ x }, { heap: { kernels, offset }, make }) => {
    const y = make(x.shape);
    kernels[kernel](util.sizeFromShape(x.shape), offset(x), offset(y));
    return y;
  });

/** dy and x of any shape -> dx. */
const gradient = (name: string, kernel: 'geluGradient' | 'geluTanhGradient'): KernelConfig =>
  ownKernel<'dy' | 'x'>(name, ({ dy, x }, { heap: { kernels, offset }, make }) => {
    const dx = make(x.shape);
    kernels[kernel](util.sizeFromShape(x.shape), offset(dy), offset(x), offset(dx));
    return dx;
  });

/** The erf form, x Φ(x). */
export const geluKernel = value('Gelu', 'gelu');
export const geluGradientKernel = gradient('GeluGradient', 'geluGradient');

/** The tanh form. */
export const geluTanhKernel = value('GeluTanh', 'geluTanh');
export const geluTanhGradientKernel = gradient('GeluTanhGradient', 'geluTanhGradient');
