import type { Batch, GradientFunction } from '@proj/trainer';
import type { SwinConfig, VitConfig } from '@proj/vit';
import type { QuantizedDesign } from '@proj/vit/quantized';
import type { FloatModel } from './options.ts';
import type { QuantizationRecipe } from './recipe.ts';

/** Everything that loss and gradients of a stage depend on; can be cloned, for workers. */
export interface QuantizationLoss {
  readonly config: VitConfig | SwinConfig;
  readonly design: QuantizedDesign;
  readonly teacher: FloatModel;
  readonly labels: QuantizationRecipe['labels'];
  /** Images of a whole batch, of which a worker may see a part. */
  readonly batchSize: number;
  /** BR of W_qk's gradients while they are annealed. */
  readonly queryKeyBoundary: number | undefined;
}

/** Who computes the gradients, if not this thread alone; `quantizationWorkers` of `@proj/recipes/node` makes some. */
export interface QuantizationWorkers {
  /** Results depend on it, so it stands in checkpoints and is compared on resume. */
  readonly count: number;
  start(loss: QuantizationLoss): QuantizationGradients;
}

export interface QuantizationGradients {
  readonly valueAndGradients: GradientFunction<Batch>;
  close(): Promise<void>;
}
