import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { isFast } from './fast.ts';
import { gelu } from './gelu.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';
import { plus } from './plus.ts';
import { type Affine, branch, requireBranch } from './residual.ts';

/**
 * x + fc2(GELU(fc1(LayerNorm(x)))), the MLP branch of a pre-norm transformer (Dosovitskiy et al. 2021, eq. 3), for `x` [..., C],
 * `norm` [C], `fc1` [D, C], `fc2` [C, D], float32.
 *
 * With kernels it is one step of the tape, which goes through the rows some hundreds at a time: bias, GELU and residual belong to
 * the products' passes, and kept for the gradient are x, its rows' statistics, and the GELU's values and slopes.
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
  const named = {
    x,
    weight: norm.weight,
    bias: norm.bias,
    weight1: fc1.weight,
    bias1: fc1.bias,
    weight2: fc2.weight,
    bias2: fc2.bias,
  };
  if (!isFast('MlpBlock')) {
    return tidy(() => {
      const hidden = gelu(linear(layerNorm(x, norm.weight, norm.bias, eps), fc1.weight, fc1.bias));
      return plus(x, linear(hidden, fc2.weight, fc2.bias));
    });
  }
  return branch('MlpBlock', named, ['bias1', 'bias2'], ['mean', 'inverse', 'active', 'slope'], { eps });
}
