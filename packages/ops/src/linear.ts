import { add, matMul, reshape, sum, type Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { fast } from './fast.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/**
 * y = x Wᵀ + b for `x` [..., in], `weight` [out, in] as PyTorch stores it, `bias` [out] -> [..., out], float32; `x` has rank 2 or more.
 *
 * dx = dy W, dW = dyᵀ x, db = sum of dy over the rows.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const named = bias === undefined ? { x, weight } : { x, weight, bias };
  requireFloat('linear', named);
  const [outputs, inputs] = weight.shape as [number, number];
  requireShapes(
    x.rank >= 2 &&
      weight.rank === 2 &&
      x.shape.at(-1) === inputs &&
      (bias === undefined || (bias.rank === 1 && bias.size === outputs)),
    'linear',
    'x [..., in], weight [out, in] and bias [out]',
    named,
  );
  const shape = x.shape;
  const rows = x.size === 0 ? shape.slice(0, -1).reduce((a, b) => a * b, 1) : x.size / inputs;

  return differentiable(bias === undefined ? [x, weight] : [x, weight, bias], ([x, weight, bias]) => ({
    value: reshape(rowsTimesTransposed(reshape(x!, [rows, inputs]), weight!, bias), [
      ...shape.slice(0, -1),
      outputs,
    ]),
    saved: [x!, weight!],
    gradient: (dy, [x, weight]) => {
      const dyRows = reshape(dy, [rows, outputs]);
      const dx = reshape(matMul(dyRows, weight!), shape);
      const dWeight = matMul(dyRows, reshape(x!, [rows, inputs]), true, false);
      return bias === undefined
        ? [dx, dWeight]
        : [dx, dWeight, fast('ColumnSums', { x: dyRows })?.[0] ?? sum(dyRows, 0)];
    },
  }));
}

/** x Wᵀ + b on matrices. (tfjs's own fused kernel adds the wrong bias on wasm where an operand is transposed.) */
function rowsTimesTransposed(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  if (bias === undefined) return matMul(x, weight, false, true);
  return fast('Linear', { x, weight, bias })?.[0] ?? add(matMul(x, weight, false, true), bias);
}
