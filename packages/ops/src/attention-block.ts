import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { attentionPacked } from './attention.ts';
import { OpsError } from './error.ts';
import { isFast } from './fast.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';
import { plus } from './plus.ts';
import { type Affine, branch, requireBranch } from './residual.ts';
import { requirePackedMask } from './scores.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/**
 * x + proj(attention(qkv(LayerNorm(x)))), the attention branch of a pre-norm transformer (Dosovitskiy et al. 2021, eq. 2), for `x`
 * [B, N, C], `norm` [C], `qkv` [3 C, C], `proj` [C, C], float32; scores are scaled by 1 / sqrt(C / heads). `mask` is added to them
 * as `attentionPacked` does it: [R, heads, N, N] or what broadcasts to that, R a divisor of B, with a gradient.
 *
 * With kernels it is one step of the tape, which goes through a few images at a time: bias and residual belong to the products'
 * passes, nothing is permuted, and kept for the gradient are x, its rows' statistics, q, k, v, the probabilities, and what they make of v.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for an `eps` that is not positive or a number of heads
 * that does not divide C.
 */
export function attentionBlock(
  x: Tensor,
  { norm, qkv, proj }: { readonly norm: Affine; readonly qkv: Affine; readonly proj: Affine },
  heads: number,
  eps: number,
  mask?: Tensor,
): Tensor {
  const channels = x.shape.at(-1) ?? 0;
  const first = { name: 'qkv', affine: qkv, width: 3 * channels };
  requireBranch('attentionBlock', x, norm, first, { name: 'proj', affine: proj, width: channels }, eps);
  if (!(heads >= 1 && Number.isInteger(channels / heads))) {
    throw new OpsError(
      'OPS_BAD_ARGUMENT',
      `attentionBlock: the number of heads must divide C = ${channels}, got ${heads}; a ViT has C / 64 as a rule.`,
    );
  }
  const masks = mask === undefined ? {} : { mask };
  requireFloat('attentionBlock', masks);
  requireShapes(x.rank === 3, 'attentionBlock', 'x [B, N, C]', { x });
  requirePackedMask('attentionBlock', mask, x.shape[0]!, heads, x.shape[1]!);
  const scale = 1 / Math.sqrt(channels / heads);
  const named = {
    x,
    weight: norm.weight,
    bias: norm.bias,
    weightIn: qkv.weight,
    biasIn: qkv.bias,
    weightOut: proj.weight,
    biasOut: proj.bias,
    ...masks,
  };
  if (!isFast('AttentionBlock')) {
    return tidy(() => {
      const packed = linear(layerNorm(x, norm.weight, norm.bias, eps), qkv.weight, qkv.bias);
      return plus(x, linear(attentionPacked(packed, heads, scale, mask), proj.weight, proj.bias));
    });
  }
  const kept = ['mean', 'inverse', 'qkv', 'attended', 'p'];
  return branch('AttentionBlock', named, ['biasIn', 'biasOut'], kept, { eps, heads, scale });
}
