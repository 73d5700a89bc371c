import { mul, softmax as rowSoftmax, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/**
 * Softmax over the last axis of `x` [..., C], float32; dx = y (dy - sum(dy y)).
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH` for a scalar or an empty last axis, `OPS_BAD_DTYPE`.
 */
export function softmax(x: Tensor): Tensor {
  requireFloat('softmax', { x });
  requireShapes((x.shape.at(-1) ?? 0) > 0, 'softmax', 'x [..., C] with C > 0', { x });
  return differentiable([x], ([x]) => {
    const y = rowSoftmax(x!);
    return { value: y, saved: [y], gradient: (dy, [y]) => [softmaxGradient(dy, y!)] };
  });
}

/** The gradient of a softmax over the last axis, from its value `y` and the gradient `dy` of that. */
export function softmaxGradient(dy: Tensor, y: Tensor): Tensor {
  return mul(y, sub(dy, sum(mul(dy, y), -1, true)));
}
