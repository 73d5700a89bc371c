import { add, matMul, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { fast, isFast } from './fast.ts';
import { gelu } from './gelu.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';
import { type Affine, affineGradients, gradientsWanted, requireBranch, rows } from './residual.ts';

/**
 * x + fc2(GELU(fc1(LayerNorm(x)))), the MLP branch of a pre-norm transformer (Dosovitskiy et al. 2021, eq. 3), for `x` [..., C],
 * `norm` [C], `fc1` [D, C], `fc2` [C, D], float32.
 *
 * With kernels it is one step of the tape: bias, GELU and residual belong to the products' passes, and kept for the gradient are
 * x, its rows' statistics, and the GELU's values and slopes.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for an `eps` that is not positive.
 */
export function mlpBlock(
  x: Tensor,
  { norm, fc1, fc2 }: { readonly norm: Affine; readonly fc1: Affine; readonly fc2: Affine },
  eps: number,
): Tensor {
  const width = fc1.bias.size;
  requireBranch(
    'mlpBlock',
    x,
    norm,
    { name: 'fc1', affine: fc1, width },
    { name: 'fc2', affine: fc2, width },
    eps,
  );
  if (!isFast('Linear')) {
    return tidy(() => {
      const hidden = gelu(linear(layerNorm(x, norm.weight, norm.bias, eps), fc1.weight, fc1.bias));
      return add(x, linear(hidden, fc2.weight, fc2.bias));
    });
  }
  const keeps = gradientsWanted();
  const inputs = [x, norm.weight, norm.bias, fc1.weight, fc1.bias, fc2.weight, fc2.bias];
  return differentiable(inputs, ([x, weight, bias, weight1, bias1, weight2, bias2]) => {
    const [normal, mean, inverse] = fast('LayerNorm', { x: x!, weight: weight!, bias: bias! }, { eps })!;
    const attrs = { gelu: 1, keep: keeps ? 1 : 0 };
    const active = fast('Linear', { x: normal!, weight: weight1!, bias: bias1! }, attrs)!;
    const [value] = fast('Linear', { x: active[0]!, weight: weight2!, bias: bias2!, from: x! })!;
    return {
      value: value!,
      saved: keeps ? [x!, weight!, bias!, mean!, inverse!, weight1!, weight2!, ...active] : [],
      gradient: (dy, [x, weight, bias, mean, inverse, weight1, weight2, value, slope]) => {
        const second = affineGradients(dy, value!);
        const [dHidden] = fast('SlopedProduct', { dy, weight: weight2!, slope: slope! })!;
        const [normal] = fast('LayerNorm', { x: x!, weight: weight!, bias: bias! }, { eps })!;
        const first = affineGradients(dHidden!, normal!);
        const dNormal = matMul(rows(dHidden!), weight1!);
        const statistics = { x: x!, weight: weight!, mean: mean!, inverse: inverse! };
        return [...fast('LayerNormGradient', { dy: dNormal, ...statistics, from: dy })!, ...first, ...second];
      },
    };
  });
}
