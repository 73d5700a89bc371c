import { util } from '@tensorflow/tfjs-core';
import { ownKernel } from './own-kernel.ts';

/** w of any shape; levels = 2^(bits - 1), groups, inner -> q. */
export const statsqKernel = ownKernel<'w'>('Statsq', ({ w }, { attrs, heap: { kernels, offset }, make }) => {
  const [groups, inner] = [attrs['groups']!, attrs['inner']!];
  const q = make(w.shape);
  const outer = util.sizeFromShape(w.shape) / (groups * inner);
  kernels.statsq(outer, groups, inner, attrs['levels']!, offset(w), offset(q));
  return q;
});
