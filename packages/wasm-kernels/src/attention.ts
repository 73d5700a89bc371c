import { ownKernel } from './own-kernel.ts';

/** qkv [B, N, 3 C]; heads, scale -> y [B, N, C] and the probabilities p [B, H, N, N]. */
export const attentionPackedKernel = ownKernel<'qkv'>(
  'AttentionPacked',
  ({ qkv }, { attrs, heap: { kernels, offset, withScratch }, make }) => {
    const { batch, tokens, heads, size, scale } = sizes(qkv.shape, attrs);
    const [y, p] = [make([batch, tokens, heads * size]), make([batch, heads, tokens, tokens])];
    withScratch(kernels.attentionScratch(tokens, size), (scratch) =>
      kernels.attentionPacked(batch, tokens, heads, size, scale, offset(qkv), offset(y), offset(p), scratch),
    );
    return [y, p];
  },
);

/** dy [B, N, C], qkv [B, N, 3 C], p [B, H, N, N]; heads, scale -> dqkv [B, N, 3 C]. */
export const attentionPackedGradientKernel = ownKernel<'dy' | 'qkv' | 'p'>(
  'AttentionPackedGradient',
  ({ dy, qkv, p }, { attrs, heap: { kernels, offset, withScratch }, make }) => {
    const { batch, tokens, heads, size, scale } = sizes(qkv.shape, attrs);
    const dqkv = make(qkv.shape);
    withScratch(kernels.attentionScratch(tokens, size), (scratch) =>
      kernels.attentionPackedGradient(
        batch,
        tokens,
        heads,
        size,
        scale,
        offset(dy),
        offset(qkv),
        offset(p),
        offset(dqkv),
        scratch,
      ),
    );
    return dqkv;
  },
);

function sizes(shape: readonly number[], attrs: Readonly<Record<string, number>>) {
  const [batch, tokens, width] = shape as [number, number, number];
  const heads = attrs['heads']!;
  return { batch, tokens, heads, size: width / 3 / heads, scale: attrs['scale']! };
}
