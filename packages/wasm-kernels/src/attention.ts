import type { TensorInfo } from '@tensorflow/tfjs-core';
import { attend, attendGradient, type HeadSizes, type Matrices, matrices } from './attention-heads.ts';
import { maskRows } from './mask-rows.ts';
import { ownKernel } from './own-kernel.ts';

/** q [..., N, d], k [..., M, d], v [..., M, e], mask or none, which broadcasts; scale -> y [..., N, e] and the probabilities p [..., N, M]. */
export const attentionKernel = ownKernel<'q' | 'k' | 'v', 'mask'>(
  'Attention',
  ({ q, k, v, mask }, { attrs, heap, make }) => {
    const sizes = headSizes(q, v, attrs['scale']!);
    const leading = q.shape.slice(0, -2);
    const [y, p] = [make([...leading, sizes.n, sizes.e]), make([...leading, sizes.n, sizes.m])];
    const heads = { q: matrices(q), k: matrices(k), v: matrices(v), mask: mask && masks(mask, mask, q) };
    attend(heap, sizes, heads, matrices(p), matrices(y));
    return [y, p];
  },
);

/** dy [..., N, e], q, k, v and p, mask or none; scale -> dq, dk, dv, and dmask for a mask. */
export const attentionGradientKernel = ownKernel<'dy' | 'q' | 'k' | 'v' | 'p', 'mask'>(
  'AttentionGradient',
  ({ dy, q, k, v, p, mask }, { attrs, heap, make }) => {
    const [dq, dk, dv] = [make(q.shape), make(k.shape), make(v.shape)];
    const dMask = mask && make(mask.shape);
    attendGradient(
      heap,
      headSizes(q, v, attrs['scale']!),
      { q: matrices(q), k: matrices(k), v: matrices(v), mask: undefined },
      matrices(p),
      matrices(dy),
      { q: matrices(dq), k: matrices(dk), v: matrices(dv), mask: mask && dMask && masks(dMask, mask, q) },
    );
    return dMask === undefined ? [dq, dk, dv] : [dq, dk, dv, dMask];
  },
);

function headSizes({ shape: q }: TensorInfo, { shape: v }: TensorInfo, scale: number): HeadSizes {
  return { n: q.at(-2)!, m: v.at(-2)!, d: q.at(-1)!, e: v.at(-1)!, scale };
}

/** What of a mask, or of its gradient, belongs to each head. */
function masks(tensor: TensorInfo, mask: TensorInfo, q: TensorInfo): Matrices {
  return { tensor, ...maskRows(mask, q.shape.slice(0, -2), q.shape.at(-2)!) };
}
