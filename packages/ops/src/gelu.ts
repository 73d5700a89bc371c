import {
  add,
  erf,
  exp,
  mul,
  type NamedTensorMap,
  square,
  sub,
  type Tensor,
  tanh,
} from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { fast } from './fast.ts';
import { requireFloat } from './shapes.ts';

const INVERSE_SQRT_2 = Math.SQRT1_2;
const INVERSE_SQRT_2_PI = 1 / Math.sqrt(2 * Math.PI);
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/**
 * GELU (Hendrycks and Gimpel 2016) of any shape, float32: x Φ(x) with Φ by `erf` ('none', as PyTorch calls it), or its 'tanh' approximation.
 *
 * 'none': dx = dy (Φ(x) + x φ(x)). 'tanh': y = x (1 + t) / 2 with t = tanh(√(2/π) (x + 0.044715 x³)).
 *
 * @throws {OpsError} `OPS_BAD_DTYPE`.
 */
export function gelu(x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor {
  requireFloat('gelu', { x });
  const [cdf, slope] = approximate === 'none' ? [normalCdf, erfSlope] : [tanhCdf, tanhSlope];
  const whereFast = (name: string, inputs: NamedTensorMap): Tensor | undefined =>
    approximate === 'none' ? fast(name, inputs)?.[0] : undefined;
  return differentiable([x], ([x]) => ({
    value: whereFast('Gelu', { x: x! }) ?? mul(x!, cdf(x!)),
    saved: [x!],
    gradient: (dy, [x]) => [whereFast('GeluGradient', { dy, x: x! }) ?? mul(dy, slope(x!))],
  }));
}

const normalCdf = (x: Tensor): Tensor => mul(add(erf(mul(x, INVERSE_SQRT_2)), 1), 0.5);

const erfSlope = (x: Tensor): Tensor =>
  add(normalCdf(x), mul(x, mul(exp(mul(square(x), -0.5)), INVERSE_SQRT_2_PI)));

const tanhArgument = (x: Tensor): Tensor => mul(mul(x, add(mul(square(x), CUBIC), 1)), SQRT_2_OVER_PI);

const tanhCdf = (x: Tensor): Tensor => mul(add(tanh(tanhArgument(x)), 1), 0.5);

function tanhSlope(x: Tensor): Tensor {
  const t = tanh(tanhArgument(x));
  const inner = mul(add(mul(square(x), 3 * CUBIC), 1), SQRT_2_OVER_PI);
  return add(mul(add(t, 1), 0.5), mul(mul(x, 0.5), mul(sub(1, square(t)), inner)));
}
