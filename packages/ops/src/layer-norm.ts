import { add, mean, mul, reshape, rsqrt, square, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { OpsError } from './error.ts';
import { fast } from './fast.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/**
 * Layer normalisation over the last axis (Ba et al. 2016): (x - mean) / sqrt(variance + eps) * weight + bias, `x` [..., C], `weight` and `bias` [C], float32.
 *
 * The variance is that of the population, as in PyTorch. With x̂ the normalised input and g = dy * weight:
 * dx = (g - mean(g) - x̂ mean(g x̂)) / sqrt(variance + eps), dweight = sum of dy x̂, dbias = sum of dy.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT` for an `eps` that is not positive.
 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  requireFloat('layerNorm', { x, weight, bias });
  const channels = x.shape.at(-1) ?? 0;
  requireShapes(
    channels > 0 &&
      weight.rank === 1 &&
      weight.size === channels &&
      bias.rank === 1 &&
      bias.size === channels,
    'layerNorm',
    'x [..., C] with C > 0, weight [C] and bias [C]',
    { x, weight, bias },
  );
  requireEps('layerNorm', eps);

  return differentiable([x, weight, bias], ([x, weight, bias]) => {
    const [value, centre, inverse] =
      fast('LayerNorm', { x: x!, weight: weight!, bias: bias! }, { eps }) ??
      composed(x!, weight!, bias!, eps);
    return {
      value: value!,
      saved: [x!, weight!, centre!, inverse!],
      gradient: (dy, [x, weight, mean, inverse]) =>
        fast('LayerNormGradient', { dy, x: x!, weight: weight!, mean: mean!, inverse: inverse! }) ??
        composedGradient(dy, x!, weight!, mean!, inverse!),
    };
  });
}

export function requireEps(operation: string, eps: number): void {
  if (eps > 0) return;
  throw new OpsError(
    'OPS_BAD_ARGUMENT',
    `${operation}: eps must be positive, got ${eps}; PyTorch's default is 1e-5, timm's ViT uses 1e-6.`,
  );
}

/** The value, each row's mean, and 1 / sqrt(variance + eps). */
function composed(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor[] {
  const centre = mean(x, -1, true);
  const centred = sub(x, centre);
  const inverse = rsqrt(add(mean(square(centred), -1, true), eps));
  return [add(mul(mul(centred, inverse), weight), bias), centre, inverse];
}

function composedGradient(dy: Tensor, x: Tensor, weight: Tensor, centre: Tensor, inverse: Tensor): Tensor[] {
  const normalised = mul(sub(x, centre), inverse);
  const g = mul(dy, weight);
  const dx = mul(
    sub(sub(g, mean(g, -1, true)), mul(normalised, mean(mul(g, normalised), -1, true))),
    inverse,
  );
  const rows = (t: Tensor): Tensor => reshape(t, [t.size / weight.size, weight.size]);
  return [dx, sum(rows(mul(dy, normalised)), 0), sum(rows(dy), 0)];
}
