/**
 * How the paper's models were annealed, from a finished quantization-aware training with its optimizer's moments; everything else
 * (loss, weight decay, augmentation) as in that training. From the reference code at 7ed37d1.
 */
export const publishedSchedule = {
  /** In all published scripts; the option's help text calls 0.005 or 0.007 best. */
  boundaryRange: 0.005,
  /** In all published scripts; `cga.py` has 15 where nothing is given. */
  epochs: 30,
  /** Constant: `cga.py` starts its cosine at the end, epoch 300 of 300, where the rate is `min_lr`. */
  learningRate: 1e-5,
} as const;
