import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { maskRows } from './mask-rows.ts';
import { ownKernel } from './own-kernel.ts';

/** x [..., C], mask or none, broadcast along the leading axes; scale -> softmax(scale x + mask). */
export const softmaxKernel = ownKernel<'x', 'mask'>(
  'Softmax',
  ({ x, mask }, { attrs, heap: { kernels, offset }, make }) => {
    const y = make(x.shape);
    const { rows, width, starts, step } = runs(x.shape, mask);
    const masks = mask === undefined ? 0 : offset(mask);
    for (const [i, start] of starts.entries()) {
      const at = 4 * i * rows * width;
      kernels.softmax(rows, width, attrs['scale']!, offset(x) + at, masks + start, step, offset(y) + at);
    }
    return y;
  },
);

/** dy and y [..., C], mask or none; scale -> dx, and dmask for a mask. */
export const softmaxGradientKernel = ownKernel<'dy' | 'y', 'mask'>(
  'SoftmaxGradient',
  ({ dy, y, mask }, { attrs, heap: { kernels, offset }, make }) => {
    const dx = make(y.shape);
    const dMask = mask === undefined ? undefined : make(mask.shape);
    const { rows, width, starts, step } = runs(y.shape, mask);
    const masks = dMask === undefined ? 0 : offset(dMask);
    if (dMask !== undefined) kernels.clear(masks, 4 * util.sizeFromShape(dMask.shape));
    for (const [i, start] of starts.entries()) {
      const at = 4 * i * rows * width;
      kernels.softmaxGradient(
        rows,
        width,
        attrs['scale']!,
        offset(dy) + at,
        offset(y) + at,
        offset(dx) + at,
        masks + start,
        step,
      );
    }
    return dMask === undefined ? dx : [dx, dMask];
  },
);

/** Runs of rows whose masks are `step` bytes apart; all rows without a mask. */
function runs(shape: readonly number[], mask: TensorInfo | undefined) {
  const width = shape.at(-1)!;
  if (mask === undefined)
    return { rows: util.sizeFromShape([...shape]) / width, width, starts: [0], step: 0 };
  const rows = shape.at(-2) ?? 1;
  return { rows, width, ...maskRows(mask, shape.slice(0, -2), rows) };
}
