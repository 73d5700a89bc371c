import type { TensorInfo } from '@tensorflow/tfjs-core';
import { attend, attendGradient, type HeadSizes, type Matrices, matrices } from './attention-heads.ts';
import { packedMaskRows } from './mask-rows.ts';
import { ownKernel } from './own-kernel.ts';

/** qkv [B, N, 3 C], mask or none [R, H, N, N], R a divisor of B; heads, scale -> y [B, N, C] and the probabilities p [B, H, N, N]. */
export const attentionPackedKernel = ownKernel<'qkv', 'mask'>(
  'AttentionPacked',
  ({ qkv, mask }, { attrs, heap, make }) => {
    const [batch, tokens, width] = qkv.shape as [number, number, number];
    const heads = attrs['heads']!;
    const [y, p] = [make([batch, tokens, width / 3]), make([batch, heads, tokens, tokens])];
    attend(
      heap,
      headSizes(qkv, heads, attrs['scale']!),
      {
        ...packed(qkv, heads),
        mask: mask && { tensor: mask, ...packedMaskRows(mask, batch, heads, tokens) },
      },
      matrices(p),
      columns(y, heads, 1, 0),
    );
    return [y, p];
  },
);

/** dy [B, N, C], qkv [B, N, 3 C], p [B, H, N, N], mask or none; heads, scale -> dqkv [B, N, 3 C], and dmask for a mask. */
export const attentionPackedGradientKernel = ownKernel<'dy' | 'qkv' | 'p', 'mask'>(
  'AttentionPackedGradient',
  ({ dy, qkv, p, mask }, { attrs, heap, make }) => {
    const [batch, tokens] = qkv.shape as [number, number, number];
    const heads = attrs['heads']!;
    const dqkv = make(qkv.shape);
    const dMask = mask && make(mask.shape);
    attendGradient(
      heap,
      headSizes(qkv, heads, attrs['scale']!),
      { ...packed(qkv, heads), mask: undefined },
      matrices(p),
      columns(dy, heads, 1, 0),
      {
        ...packed(dqkv, heads),
        mask: dMask && { tensor: dMask, ...packedMaskRows(dMask, batch, heads, tokens) },
      },
    );
    return dMask === undefined ? dqkv : [dqkv, dMask];
  },
);

function headSizes({ shape }: TensorInfo, heads: number, scale: number): HeadSizes {
  const [, tokens, width] = shape as [number, number, number];
  const size = width / 3 / heads;
  return { n: tokens, m: tokens, d: size, e: size, scale };
}

function packed(qkv: TensorInfo, heads: number) {
  return { q: columns(qkv, heads, 3, 0), k: columns(qkv, heads, 3, 1), v: columns(qkv, heads, 3, 2) };
}

/** The columns of each head in part `part` of `parts` of a tensor [batch, tokens, parts heads size]. */
function columns(tensor: TensorInfo, heads: number, parts: number, part: number): Matrices {
  const [batch, tokens, width] = tensor.shape as [number, number, number];
  const own = width / parts;
  const starts: number[] = [];
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++) starts.push(4 * (b * tokens * width + part * own + h * (own / heads)));
  return { tensor, starts, step: 4 * width };
}
