import { ownKernel } from './own-kernel.ts';

/** logits [B, C], targets int32 [B] or float32 [B, C] -> the mean loss, a scalar, and its slope [B, C]. */
export const crossEntropyKernel = ownKernel<'logits' | 'targets'>(
  'CrossEntropy',
  ({ logits, targets }, { heap: { kernels, offset }, make }) => {
    const [rows, classes] = logits.shape as [number, number];
    const [loss, slope] = [make([]), make(logits.shape)];
    const byClass = targets.dtype === 'int32' ? 1 : 0;
    kernels.crossEntropy(
      rows,
      classes,
      offset(logits),
      offset(targets),
      byClass,
      offset(loss),
      offset(slope),
    );
    return [loss, slope];
  },
);
