import { crossEntropy, softmax } from '@proj/ops';
import { add, type Tensor } from '@tensorflow/tfjs-core';

export { crossEntropy };

/**
 * Cross-entropy against a teacher: mean over the batch of -sum softmax(teacher) · log softmax(logits), at
 * temperature 1. Not the KL divergence: the teacher's entropy stays in. No gradient reaches the teacher.
 *
 * @param logits float32 [B, C]
 * @param teacherLogits float32 [B, C]
 */
export function softCrossEntropy(logits: Tensor, teacherLogits: Tensor): Tensor {
  return crossEntropy(logits, softmax(teacherLogits));
}

/**
 * The distillation loss of OFQ (`KDLossSoftandHard`): `crossEntropy(cls, targets) + softCrossEntropy(dist, teacher)`, weighted 1:1.
 *
 * A distilled DeiT passes the logits of its class and distillation heads; a model with one head (Swin) passes its
 * logits twice.
 *
 * @param cls float32 [B, C], learns the targets
 * @param dist float32 [B, C], learns the teacher
 * @param teacherLogits float32 [B, C], the teacher's class head
 * @param targets int32 [B] class indices or float32 [B, C] probabilities
 */
export function distillation(cls: Tensor, dist: Tensor, teacherLogits: Tensor, targets: Tensor): Tensor {
  return add(crossEntropy(cls, targets), softCrossEntropy(dist, teacherLogits));
}
