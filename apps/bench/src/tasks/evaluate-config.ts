import type { PoolConfig } from './images.ts';
import type { Flavour } from './kernels.ts';
import type { ModelConfig } from './model.ts';

export type EvaluateQuantizedConfig = PoolConfig & {
  readonly flavour: Flavour;
  readonly part: number;
  /** Only these logits count, one for each of the data's classes, in their order; absent: all, which are the data's classes. */
  readonly logits?: readonly number[];
  /** For the estimate. */
  readonly model: ModelConfig;
};

/** `needs.model`, packed or the float one itself, beside `needs.float`. */
export type EvaluateQuantizedResult = {
  /** `stateSha256` of the parameters, as the job that made them tells it. */
  readonly model: string;
  readonly float: string;
  readonly images: number;
  readonly right: number;
  /** From 0 to 1. */
  readonly top1: number;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** From 0 to 1: of the images, whose largest logit is that of the float model. */
  readonly agreement: number;
  /** Mean KL(float || quantized) of the classes' probabilities, in nats. */
  readonly kl: number;
  /** A bit for each image in stored order, the first in the lowest bit of the first byte, in base64: for intervals of paired differences. */
  readonly rightImages: string;
};
