import { type Batch, crossEntropy, type GradientFunction, tapeGradients } from '@proj/trainer';
import { floatLayers, type VitConfig, vit } from '@proj/vit';

/** Mean cross-entropy of a vision transformer on a batch, and its gradients. */
export function classifierGradients(config: VitConfig): GradientFunction<Batch> {
  return tapeGradients<Batch>((parameters, _, { images, targets }) =>
    crossEntropy(vit(config, floatLayers(parameters), images), targets),
  );
}

/** Who computes the gradients of a training, if not this thread alone; `classifierWorkers` of `@proj/recipes/node` makes some. */
export interface ClassifierWorkers {
  /** Results depend on it, so it stands in checkpoints and is compared on resume. */
  readonly count: number;
  start(config: VitConfig): ClassifierGradients;
}

export interface ClassifierGradients {
  readonly valueAndGradients: GradientFunction<Batch>;
  close(): Promise<void>;
}

/** This thread alone. */
export const oneWorker: ClassifierWorkers = {
  count: 1,
  start: (config) => ({ valueAndGradients: classifierGradients(config), close: async () => {} }),
};
