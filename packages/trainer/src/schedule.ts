/** A learning rate over time: the rate for step `step`, counted from 0. */
export type Schedule = (step: number) => number;

/** A constant learning rate or a {@link Schedule}. */
export type LearningRate = number | Schedule;

export interface CosineOptions {
  /** Rate at the top. */
  readonly base: number;
  /** Rate at `total` and ever after. */
  readonly min: number;
  /** Steps of linear warm-up. */
  readonly warmup: number;
  /** Rate at step 0 when there is a warm-up. */
  readonly warmupFrom: number;
  /** Step at which the half cosine ends. */
  readonly total: number;
}

/**
 * Cosine with linear warm-up as timm 0.5 computes it:
 * `warmupFrom + t (base - warmupFrom) / warmup` for t < warmup, then `min + (base - min)(1 + cos(pi t / total)) / 2`
 * (the cosine starts at t = 0, so it is already under way when the warm-up ends), then `min`.
 *
 * What timm calls cool-down epochs are steps past `total`.
 */
export function cosine({ base, min, warmup, warmupFrom, total }: CosineOptions): Schedule {
  return (step) => {
    if (step < warmup) return warmupFrom + (step * (base - warmupFrom)) / warmup;
    if (step >= total) return min;
    return min + 0.5 * (base - min) * (1 + Math.cos((Math.PI * step) / total));
  };
}

export interface MultiStepOptions {
  readonly base: number;
  /** Steps at which the rate is multiplied by `gamma`. */
  readonly milestones: readonly number[];
  readonly gamma: number;
}

/** `base · gamma^k` where k milestones lie at or before the step (torch's MultiStepLR). */
export function multiStep({ base, milestones, gamma }: MultiStepOptions): Schedule {
  return (step) => base * gamma ** milestones.filter((milestone) => milestone <= step).length;
}

/** Reads a schedule once per epoch, as timm and torchvision recipes do: its steps are then epochs. */
export function perEpoch(schedule: Schedule, stepsPerEpoch: number): Schedule {
  return (step) => schedule(Math.floor(step / stepsPerEpoch));
}
