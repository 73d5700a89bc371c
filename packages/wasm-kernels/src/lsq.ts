import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { ownKernel } from './own-kernel.ts';

/** What `Lsq` may be given besides x and step: both offsets or none. */
interface Offsets {
  readonly before?: TensorInfo;
  readonly after?: TensorInfo;
}

/** x of any shape, step [G], before and after [P] or neither; inner, low, high -> y. */
export const lsqKernel = ownKernel<'x' | 'step'>(
  'Lsq',
  (tensors, { attrs, heap: { kernels, offset }, make }) => {
    const { x, step } = tensors;
    const { before, after } = tensors as Offsets;
    const y = make(x.shape);
    const { size, groups, inner } = sizes(x, step, attrs['inner']!);
    kernels.lsq(
      size,
      groups,
      inner,
      before === undefined ? 0 : before.shape[0]!,
      attrs['low']!,
      attrs['high']!,
      offset(x),
      offset(step),
      before === undefined ? 0 : offset(before),
      after === undefined ? 0 : offset(after),
      offset(y),
    );
    return y;
  },
);

/**
 * dy and x of any shape, step [G], before [P] or not; inner, low, high, gradientScale -> dx, dstep [G], and dbefore and dafter [P].
 */
export const lsqGradientKernel = ownKernel<'dy' | 'x' | 'step'>(
  'LsqGradient',
  (tensors, { attrs, heap: { kernels, offset }, make }) => {
    const { dy, x, step } = tensors;
    const { before } = tensors as Offsets;
    const [dx, dStep] = [make(x.shape), make(step.shape)];
    const offsets = before === undefined ? [] : [make(before.shape), make(before.shape)];
    const { size, groups, inner } = sizes(x, step, attrs['inner']!);
    const [dBefore, dAfter] = offsets.map(offset);
    kernels.lsqGradient(
      size,
      groups,
      inner,
      before === undefined ? 0 : before.shape[0]!,
      attrs['low']!,
      attrs['high']!,
      attrs['gradientScale']!,
      offset(dy),
      offset(x),
      offset(step),
      before === undefined ? 0 : offset(before),
      0,
      0,
      offset(dx),
      0,
      offset(dStep),
      dBefore ?? 0,
      dAfter ?? 0,
      0,
    );
    return [dx, dStep, ...offsets];
  },
);

/** With one step for all, all are one run. */
function sizes(x: TensorInfo, step: TensorInfo, inner: number) {
  const size = util.sizeFromShape(x.shape);
  const groups = step.shape[0]!;
  return { size, groups, inner: groups === 1 ? size : inner };
}
