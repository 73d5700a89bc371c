import type { ImagesConfig } from './images.ts';
import type { Flavour } from './kernels.ts';
import type { ModelConfig } from './model.ts';

export type EvaluateQuantizedConfig = {
  readonly flavour: Flavour;
  readonly images: readonly ImagesConfig[];
  /** Which logits count: those of all classes of the data, or only of those that some image has. */
  readonly classes: 'all' | 'present';
  /** How many images are computed at once. */
  readonly batchSize: number;
  /** For the estimate. */
  readonly model: ModelConfig;
};

/** Of `needs.model`, as it is packed, or of `needs.float` itself where there is none, beside `needs.float`. */
export type EvaluateQuantizedResult = {
  /** `stateSha256` of the trained parameters, as the job that made the model tells it. */
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
