import { ownKernel } from './own-kernel.ts';

/** w [out, in]; levels = 2^(bits - 1), range -> bool [out, in], true where CGA freezes a weight, and the rows' scales [out, 1]. */
export const cgaMaskKernel = ownKernel<'w'>(
  'CgaMask',
  ({ w }, { attrs, heap: { kernels, offset }, make }) => {
    const [rows, columns] = w.shape as [number, number];
    const [mask, scales] = [make(w.shape, 'bool'), make([rows, 1])];
    kernels.cgaMask(
      rows,
      columns,
      attrs['levels']!,
      attrs['range']!,
      offset(w),
      offset(mask),
      offset(scales),
    );
    return [mask, scales];
  },
);
