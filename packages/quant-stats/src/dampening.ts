import {
  customGrad,
  equal,
  maximum,
  minimum,
  mul,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { SMALLEST_STEP } from './codes.ts';
import { layoutOf, levelsOf } from './layout.ts';
import { quantize } from './quantize.ts';
import type { LsqQuantizer } from './quantizers.ts';

/**
 * Oscillation dampening (Nagel et al. 2022): ‖ŵ - clip(w, s Q_n, s Q_p)‖², a scalar that pulls latent weights to the middle of their
 * levels; add it to the loss of the task, times a λ that grows over the training.
 *
 * ŵ and the step are constants: dw = 2 (w - ŵ) where w lies within the levels, else 0, and there is no gradient to the step.
 *
 * @throws {QuantStatsError} `QS_SHAPE_MISMATCH`.
 */
export function dampening(quantizer: LsqQuantizer, w: Tensor, step: Tensor): Tensor {
  const { groups, inner } = layoutOf(quantizer, w.shape);
  const { low, high } = levelsOf(quantizer);
  const loss = customGrad((...given) => {
    const [w, save] = given as unknown as [Tensor, (tensors: Tensor[]) => void];
    const [value, slope] = tidy(() => {
      const s = reshape(maximum(step, SMALLEST_STEP), [groups, 1]);
      const grouped = reshape(w, [-1, groups, inner]);
      const clipped = minimum(maximum(grouped, mul(s, low)), mul(s, high));
      const distance = sub(clipped, reshape(quantize(quantizer, w, step), clipped.shape));
      const inside = equal(clipped, grouped);
      return [sum(square(distance)), reshape(where(inside, mul(distance, 2), zerosLike(distance)), w.shape)];
    });
    save([slope!]);
    return { value: value!, gradFunc: (dy: Tensor, [slope]: Tensor[]) => mul(dy, slope!) };
  });
  return loss(w);
}
