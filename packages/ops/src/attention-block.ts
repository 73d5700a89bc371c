import { add, matMul, reshape, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { attentionPacked } from './attention.ts';
import { differentiable } from './differentiable.ts';
import { OpsError } from './error.ts';
import { fast, isFast } from './fast.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';
import { type Affine, affineGradients, gradientsWanted, requireBranch, rows } from './residual.ts';

/**
 * x + proj(attention(qkv(LayerNorm(x)))), the attention branch of a pre-norm transformer (Dosovitskiy et al. 2021, eq. 2), for `x`
 * [B, N, C], `norm` [C], `qkv` [3 C, C], `proj` [C, C], float32; scores are scaled by 1 / sqrt(C / heads).
 *
 * With kernels it is one step of the tape: bias and residual belong to the products' passes, nothing is permuted, and kept for the
 * gradient are x, its rows' statistics, q, k, v, the probabilities, and what they make of v.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for an `eps` that is not positive or a number of heads
 * that does not divide C.
 */
export function attentionBlock(
  x: Tensor,
  { norm, qkv, proj }: { readonly norm: Affine; readonly qkv: Affine; readonly proj: Affine },
  heads: number,
  eps: number,
): Tensor {
  const channels = x.shape.at(-1) ?? 0;
  const branch = { name: 'qkv', affine: qkv, width: 3 * channels };
  requireBranch('attentionBlock', x, norm, branch, { name: 'proj', affine: proj, width: channels }, eps);
  if (!(heads >= 1 && Number.isInteger(channels / heads))) {
    throw new OpsError(
      'OPS_BAD_ARGUMENT',
      `attentionBlock: the number of heads must divide C = ${channels}, got ${heads}; a ViT has C / 64 as a rule.`,
    );
  }
  const scale = 1 / Math.sqrt(channels / heads);
  if (!isFast('Linear')) {
    return tidy(() => {
      const packed = linear(layerNorm(x, norm.weight, norm.bias, eps), qkv.weight, qkv.bias);
      return add(x, linear(attentionPacked(packed, heads, scale), proj.weight, proj.bias));
    });
  }
  const keeps = gradientsWanted();
  const inputs = [x, norm.weight, norm.bias, qkv.weight, qkv.bias, proj.weight, proj.bias];
  return differentiable(inputs, ([x, weight, bias, weightIn, biasIn, weightOut, biasOut]) => {
    const [normal, mean, inverse] = fast('LayerNorm', { x: x!, weight: weight!, bias: bias! }, { eps })!;
    const [packed] = fast('Linear', { x: normal!, weight: weightIn!, bias: biasIn! })!;
    const attended = fast('AttentionPacked', { qkv: packed! }, { heads, scale })!;
    const [value] = fast('Linear', { x: attended[0]!, weight: weightOut!, bias: biasOut!, from: x! })!;
    return {
      value: value!,
      saved: keeps ? [x!, weight!, bias!, mean!, inverse!, weightIn!, weightOut!, packed!, ...attended] : [],
      gradient: (dy, [x, weight, bias, mean, inverse, weightIn, weightOut, packed, y, p]) => {
        const last = affineGradients(dy, y!);
        const dAttended = reshape(matMul(rows(dy), weightOut!), y!.shape);
        const [dPacked] = fast(
          'AttentionPackedGradient',
          { dy: dAttended, qkv: packed!, p: p! },
          { heads, scale },
        )!;
        const [normal] = fast('LayerNorm', { x: x!, weight: weight!, bias: bias! }, { eps })!;
        const first = affineGradients(dPacked!, normal!);
        const dNormal = matMul(rows(dPacked!), weightIn!);
        const statistics = { x: x!, weight: weight!, mean: mean!, inverse: inverse! };
        return [...fast('LayerNormGradient', { dy: dNormal, ...statistics, from: dy })!, ...first, ...last];
      },
    };
  });
}
