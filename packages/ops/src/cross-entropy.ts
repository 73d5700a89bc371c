import {
  cast,
  div,
  equal,
  exp,
  log,
  max,
  mul,
  neg,
  notEqual,
  range,
  reshape,
  sub,
  sum,
  type Tensor,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { OpsError } from './error.ts';
import { fast } from './fast.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/**
 * Cross-entropy of `logits` [B, C], mean over the batch -> scalar, float32; `targets` are classes (int32 [B]) or probabilities (float32 [B, C]).
 *
 * Only logits are differentiated: dlogits = (softmax(logits) sum(targets) - targets) / B; targets count as constants.
 * A class whose target is 0 adds nothing, also where its logit is -Infinity, as a masked class's is.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_TARGET_OUT_OF_RANGE` for a class outside [0, C), which would count as no loss.
 */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  requireFloat('crossEntropy', { logits });
  const [batch, classes] = logits.shape as [number, number];
  const byClass = targets.dtype === 'int32';
  if (!byClass) requireFloat('crossEntropy', { targets });
  requireShapes(
    logits.rank === 2 &&
      batch > 0 &&
      classes > 0 &&
      targets.shape[0] === batch &&
      (byClass ? targets.rank === 1 : targets.rank === 2 && targets.shape[1] === classes),
    'crossEntropy',
    'logits [B, C] with targets int32 [B] or float32 [B, C]',
    { logits, targets },
  );
  if (byClass) requireClasses(targets, classes);

  return differentiable([logits], ([logits]) => {
    const [value, slope] =
      fast('CrossEntropy', { logits: logits!, targets }) ??
      composed(logits!, byClass ? oneHot(targets, classes) : targets);
    return { value: value!, saved: [slope!], gradient: (dy, [slope]) => [mul(slope!, dy)] };
  });
}

/** tfjs's own cannot make one of a single class, and its wasm kernel fills float32 with integers. */
const oneHot = (labels: Tensor, classes: number): Tensor =>
  cast(equal(reshape(labels, [labels.size, 1]), range(0, classes, 1, 'int32')), 'float32');

/** The loss and its slope. */
function composed(logits: Tensor, wanted: Tensor): [Tensor, Tensor] {
  const batch = logits.shape[0]!;
  const shifted = sub(logits, max(logits, 1, true));
  const logProbabilities = sub(shifted, log(sum(exp(shifted), 1, true)));
  const slope = div(sub(mul(exp(logProbabilities), sum(wanted, 1, true)), wanted), batch);
  // 0 times the -Infinity of a class that cannot be is NaN.
  const counted = where(notEqual(wanted, 0), mul(wanted, logProbabilities), zerosLike(logProbabilities));
  return [div(neg(sum(counted)), batch), slope];
}

function requireClasses(targets: Tensor, classes: number): void {
  const values = targets.dataSync();
  const at = values.findIndex((value) => value < 0 || value >= classes);
  if (at < 0) return;
  throw new OpsError(
    'OPS_TARGET_OUT_OF_RANGE',
    `crossEntropy: targets[${at}] is ${values[at]}, but logits have ${classes} classes (0 to ${classes - 1}); check the labels or the head's size.`,
  );
}
