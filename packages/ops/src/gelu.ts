import { add, erf, exp, mul, square, sub, type Tensor, tanh } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { OpsError } from './error.ts';
import { fast } from './fast.ts';
import { requireFloat } from './shapes.ts';

const INVERSE_SQRT_2 = Math.SQRT1_2;
const INVERSE_SQRT_2_PI = 1 / Math.sqrt(2 * Math.PI);
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/**
 * GELU (Hendrycks and Gimpel 2016) of any shape, float32: x Φ(x) with Φ by `erf` ('none', as PyTorch calls it), or its 'tanh' approximation.
 *
 * 'none': dx = dy (Φ(x) + x φ(x)). 'tanh': y = x (1 + t) / 2 with t = tanh(u), u = √(2/π) (x + 0.044715 x³),
 * dx = dy ((1 + t) / 2 + x (1 - t²) u' / 2).
 *
 * @throws {OpsError} `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for another form.
 */
export function gelu(x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor {
  requireFloat('gelu', { x });
  if (approximate !== 'none' && approximate !== 'tanh') {
    throw new OpsError(
      'OPS_BAD_ARGUMENT',
      `gelu: approximate must be 'none' or 'tanh', got ${JSON.stringify(approximate)}.`,
    );
  }
  const [cdf, slope, kernel] =
    approximate === 'none' ? [normalCdf, erfSlope, 'Gelu'] : [tanhCdf, tanhSlope, 'GeluTanh'];
  return differentiable([x], ([x]) => ({
    value: fast(kernel, { x: x! })?.[0] ?? mul(x!, cdf(x!)),
    saved: [x!],
    gradient: (dy, [x]) => fast(`${kernel}Gradient`, { dy, x: x! }) ?? [mul(dy, slope(x!))],
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
