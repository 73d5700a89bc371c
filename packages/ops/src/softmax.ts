import { add, mul, softmax as rowSoftmax, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { fast } from './fast.ts';
import { reduceTo } from './mat-mul.ts';
import { requireMask, requireScale } from './scores.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/** What happens to scores before the softmax. */
export interface SoftmaxOptions {
  /** Factor of x; 1 where not given. */
  readonly scale?: number;
  /** Added to scale x: float32 [..., C], broadcast along the axes before the last. -Infinity leaves an element out. */
  readonly mask?: Tensor;
}

/**
 * softmax(scale x + mask) over the last axis of `x` [..., C], float32.
 *
 * With ds = y (dy - sum(dy y)): dx = scale ds, dmask = ds summed over the axes that the mask is broadcast along. A row whose
 * elements are all left out is NaN, as in PyTorch.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH` for a scalar, an empty last axis or a mask that does not broadcast, `OPS_BAD_DTYPE`,
 * `OPS_BAD_ARGUMENT` for a scale that is not finite.
 */
export function softmax(x: Tensor, { scale = 1, mask }: SoftmaxOptions = {}): Tensor {
  const tensors = mask === undefined ? { x } : { x, mask };
  requireFloat('softmax', tensors);
  requireShapes((x.shape.at(-1) ?? 0) > 0, 'softmax', 'x [..., C] with C > 0', { x });
  requireMask('softmax', mask, x.shape);
  requireScale('softmax', scale);
  return differentiable(Object.values(tensors), ([x, mask]) => {
    const masks = mask === undefined ? {} : { mask };
    const y = fast('Softmax', { x: x!, ...masks }, { scale })?.[0] ?? maskedSoftmax(x!, scale, mask);
    return {
      value: y,
      saved: [y, ...Object.values(masks)],
      gradient: (dy, [y, mask]) => {
        const inputs = { dy, y: y!, ...(mask === undefined ? {} : { mask }) };
        return (
          fast('SoftmaxGradient', inputs, { scale }) ?? scoreGradients(softmaxGradient(dy, y!), scale, mask)
        );
      },
    };
  });
}

/** softmax(scale x + mask), composed. */
export function maskedSoftmax(x: Tensor, scale: number, mask: Tensor | undefined): Tensor {
  const scores = mul(x, scale);
  return rowSoftmax(mask === undefined ? scores : add(scores, mask));
}

/** The gradient of a softmax over the last axis, from its value `y` and the gradient `dy` of that. */
export function softmaxGradient(dy: Tensor, y: Tensor): Tensor {
  return mul(y, sub(dy, sum(mul(dy, y), -1, true)));
}

/** The gradients of x and of the mask, where there is one, from that of scale x + mask. */
export function scoreGradients(ds: Tensor, scale: number, mask: Tensor | undefined): Tensor[] {
  const dx = mul(ds, scale);
  return mask === undefined ? [dx] : [dx, reduceTo(ds, mask.shape)];
}
