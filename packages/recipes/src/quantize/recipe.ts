import type { Augmentation } from '@proj/datasets';

/**
 * How a quantized model is trained: distillation from a float teacher (Liu et al. 2023), AdamW with timm's decay groups, cosine with linear
 * warm-up, then cool-down at the least rate, then, where asked for, confidence-guided annealing at that rate too.
 */
export interface QuantizationRecipe {
  readonly seed: number;
  /** Of the cosine, the warm-up among them. Epochs need not be whole, here and below: a stage may end within one. */
  readonly epochs: number;
  /** After the cosine, at `minLearningRate`; 10 in the reference. */
  readonly cooldownEpochs: number;
  /** Of all workers together. A last batch that is not full is left out. */
  readonly batchSize: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly warmupEpochs: number;
  /** Rate at the beginning of the warm-up. */
  readonly warmupLearningRate: number;
  /** When the schedule is read: once an epoch as in the reference (the default), or at every step, for trainings of few epochs. */
  readonly scheduled?: 'epoch' | 'step';
  readonly weightDecay: number;
  /**
   * Adam's eps; default 1e-6. The reference has 1e-8, with which Adam makes full-size steps of the rounding noise in the gradients of
   * `move_qkx_b4`: its trajectories cannot be reproduced.
   */
  readonly eps?: number;
  /** Where the hard labels come from: the data, or the teacher's largest logit, so that images without labels do (label-free). */
  readonly labels: 'data' | 'teacher';
  readonly augmentation?: Augmentation;
  /** The last stage: CGA. */
  readonly annealing?: Annealing;
  /** A baseline against oscillation, for designs whose weights have LSQ or LSQ+. */
  readonly against?: AgainstOscillation;
}

/** Confidence-guided annealing, at `minLearningRate` throughout; the paper's is `publishedSchedule` of `@proj/cga`. */
export interface Annealing {
  readonly epochs: number;
  /** BR: weights no further than this from a threshold go on training, in units of one level. */
  readonly boundaryRange: number;
  /**
   * Whether gradients of confident entries of QKR's product W_qk are held back as well. The reference means to and does not: its mask has no
   * effect. The entries are not frozen exactly, see `frozenGradient` of `@proj/cga`.
   */
  readonly queryKey: boolean;
}

/** What Nagel et al. 2022 ("Overcoming Oscillations in Quantization-Aware Training") do against oscillation. */
export type AgainstOscillation =
  | {
      readonly method: 'dampening';
      /** λ at the end of the training; it grows from 0 along a half cosine. */
      readonly strength: number;
    }
  | {
      readonly method: 'freezing';
      /** m of the moving averages. */
      readonly momentum: number;
      /** Weights that oscillate more often are frozen; it falls from the first to the second along a half cosine. */
      readonly threshold: { readonly from: number; readonly to: number };
    };
