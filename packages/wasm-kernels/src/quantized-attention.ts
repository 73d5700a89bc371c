import type { TensorInfo } from '@tensorflow/tfjs-core';
import { ownKernel } from './own-kernel.ts';

interface Mask {
  readonly mask?: TensorInfo;
}

/** q [B, N, H d] or [B, N, d], k [B, N, H d], v [B, N, H e], step [N], mask [R, H, N, N] or none; heads, scale, high -> y [B, N, H e] and the probabilities p [B, H, N, N]. */
export const quantizedAttentionKernel = ownKernel<'q' | 'k' | 'v' | 'step'>(
  'QuantizedAttention',
  (tensors, { attrs, heap: { kernels, offset, withScratch }, make }) => {
    const { q, k, v, step } = tensors;
    const { mask } = tensors as Mask;
    const { batch, tokens, heads, shared, size, valueSize } = sizes(q, k, v, attrs['heads']!);
    const [y, p] = [make(v.shape), make([batch, heads, tokens, tokens])];
    withScratch(kernels.quantizedAttentionScratch(tokens, size, valueSize), (scratch) =>
      kernels.quantizedAttention(
        batch,
        tokens,
        heads,
        shared,
        size,
        valueSize,
        attrs['scale']!,
        attrs['high']!,
        offset(q),
        offset(k),
        offset(v),
        offset(step),
        mask === undefined ? 0 : mask.shape[0]!,
        mask === undefined ? 0 : offset(mask),
        offset(y),
        offset(p),
        scratch,
      ),
    );
    return [y, p];
  },
);

/** dy [B, N, H e] and what `QuantizedAttention` was given and gave; heads, scale, high, gradientScale -> dq, dk, dv, dstep, dmask. */
export const quantizedAttentionGradientKernel = ownKernel<'dy' | 'q' | 'k' | 'v' | 'step' | 'p'>(
  'QuantizedAttentionGradient',
  (tensors, { attrs, heap: { kernels, offset, withScratch }, make }) => {
    const { dy, q, k, v, step, p } = tensors;
    const { mask } = tensors as Mask;
    const { batch, tokens, heads, shared, size, valueSize } = sizes(q, k, v, attrs['heads']!);
    const masks = mask === undefined ? [] : [make(mask.shape)];
    const [dq, dk, dv, dStep] = [make(q.shape), make(k.shape), make(v.shape), make(step.shape)];
    withScratch(kernels.quantizedAttentionScratch(tokens, size, valueSize), (scratch) =>
      kernels.quantizedAttentionGradient(
        batch,
        tokens,
        heads,
        shared,
        size,
        valueSize,
        attrs['scale']!,
        attrs['high']!,
        attrs['gradientScale']!,
        offset(dy),
        offset(q),
        offset(k),
        offset(v),
        offset(step),
        offset(p),
        offset(dq),
        offset(dk),
        offset(dv),
        offset(dStep),
        mask === undefined ? 0 : mask.shape[0]!,
        masks[0] === undefined ? 0 : offset(masks[0]),
        0,
        scratch,
      ),
    );
    return [dq, dk, dv, dStep, ...masks];
  },
);

function sizes(q: TensorInfo, k: TensorInfo, v: TensorInfo, heads: number) {
  const [batch, tokens, width] = k.shape as [number, number, number];
  const shared = q.shape[2] === width ? 0 : 1;
  return { batch, tokens, heads, shared, size: width / heads, valueSize: v.shape[2]! / heads };
}
