import type { ImageShape } from './image.ts';

/** The sizes for which the benchmark's authors chose constants: CIFAR-10-C, Tiny-ImageNet-C, ImageNet-C. */
export type ConstantsSize = 32 | 64 | 224;

type Five<T> = readonly [T, T, T, T, T];

/** One constant per size and severity. */
export type SeverityTable<T> = Readonly<Record<ConstantsSize, Five<T>>>;

/**
 * Whose constants an image gets: those of 32 px up to a shorter side of 45 px, of 64 px up to 119 px, of 224 px above
 * (the nearest of the three by ratio). So 28 px is corrupted like CIFAR-10-C, 96 px like Tiny-ImageNet-C.
 */
export function constantsSize({ height, width }: Pick<ImageShape, 'height' | 'width'>): ConstantsSize {
  const side = Math.min(height, width);
  if (side * side <= 32 * 64) return 32;
  return side * side <= 64 * 224 ? 64 : 224;
}

// Severity 1 to 5, from hendrycks/robustness: make_cifar_c.py, make_tinyimagenet_c.py, make_imagenet_c.py.

/** σ. */
export const gaussianNoiseSigma: SeverityTable<number> = {
  32: [0.04, 0.06, 0.08, 0.09, 0.1],
  64: [0.04, 0.08, 0.12, 0.15, 0.18],
  224: [0.08, 0.12, 0.18, 0.26, 0.38],
};

/** Photons at full brightness. */
export const shotNoisePhotons: SeverityTable<number> = {
  32: [500, 250, 100, 75, 50],
  64: [250, 100, 50, 30, 15],
  224: [60, 25, 12, 5, 3],
};

/** Share of elements that are replaced. */
export const impulseNoiseAmount: SeverityTable<number> = {
  32: [0.01, 0.02, 0.03, 0.05, 0.07],
  64: [0.01, 0.02, 0.05, 0.08, 0.14],
  224: [0.03, 0.06, 0.09, 0.17, 0.27],
};

/** σ relative to x. */
export const speckleNoiseSigma: SeverityTable<number> = {
  32: [0.06, 0.1, 0.12, 0.16, 0.2],
  64: [0.15, 0.2, 0.25, 0.3, 0.35],
  224: [0.15, 0.2, 0.35, 0.45, 0.6],
};

/** σ in pixels. */
export const gaussianBlurSigma: SeverityTable<number> = {
  32: [0.4, 0.6, 0.7, 0.8, 1],
  64: [0.5, 0.75, 1, 1.25, 1.5],
  224: [1, 2, 3, 4, 6],
};

/** Amplitude of the height map; division of its roughness per halving of the step. */
export const fogAmplitudeDecay: SeverityTable<readonly [amplitude: number, decay: number]> = {
  32: [
    [0.2, 3],
    [0.5, 3],
    [0.75, 2.5],
    [1, 2],
    [1.5, 1.75],
  ],
  64: [
    [0.4, 3],
    [0.7, 3],
    [1, 2.5],
    [1.5, 2],
    [2, 1.75],
  ],
  224: [
    [1.5, 2],
    [2, 2],
    [2.5, 1.7],
    [2.5, 1.5],
    [3, 1.4],
  ],
};

/** Added to V. */
export const brightnessAmount: SeverityTable<number> = {
  32: [0.05, 0.1, 0.15, 0.2, 0.3],
  64: [0.1, 0.2, 0.3, 0.4, 0.5],
  224: [0.1, 0.2, 0.3, 0.4, 0.5],
};

/** Multiplies the distance from the mean. */
export const contrastFactor: SeverityTable<number> = {
  32: [0.75, 0.5, 0.4, 0.3, 0.15],
  64: [0.4, 0.3, 0.2, 0.1, 0.05],
  224: [0.4, 0.3, 0.2, 0.1, 0.05],
};

/** Side of the shrunk image relative to the whole. */
export const pixelateFactor: SeverityTable<number> = {
  32: [0.95, 0.9, 0.85, 0.75, 0.65],
  64: [0.9, 0.8, 0.7, 0.6, 0.5],
  224: [0.6, 0.5, 0.4, 0.3, 0.25],
};

/** Factor and offset of S. */
export const saturateFactorOffset: SeverityTable<readonly [factor: number, offset: number]> = {
  32: [
    [0.3, 0],
    [0.1, 0],
    [1.5, 0],
    [2, 0.1],
    [2.5, 0.2],
  ],
  64: [
    [0.3, 0],
    [0.1, 0],
    [2, 0],
    [5, 0.1],
    [30, 0.2],
  ],
  224: [
    [0.3, 0],
    [0.1, 0],
    [2, 0],
    [5, 0.1],
    [20, 0.2],
  ],
};
