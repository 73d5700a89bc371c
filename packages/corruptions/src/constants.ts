import type { ImageShape } from './image.ts';
import type { SnowConstants } from './snow.ts';
import type { SpatterConstants } from './spatter.ts';

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

/** Radius of the disk and σ of its edge, in pixels. */
export const defocusRadiusAlias: SeverityTable<readonly [radius: number, alias: number]> = {
  32: [
    [0.3, 0.4],
    [0.4, 0.5],
    [0.5, 0.6],
    [1, 0.2],
    [1.5, 0.1],
  ],
  64: [
    [0.5, 0.6],
    [1, 0.1],
    [1.5, 0.1],
    [2.5, 0.01],
    [3, 0.1],
  ],
  224: [
    [3, 0.1],
    [4, 0.5],
    [6, 0.5],
    [8, 0.5],
    [10, 0.5],
  ],
};

/** σ of both blurs, displacement in pixels, rounds. */
export const glassSigmaReachRounds: SeverityTable<readonly [sigma: number, reach: number, rounds: number]> = {
  32: [
    [0.05, 1, 1],
    [0.25, 1, 1],
    [0.4, 1, 1],
    [0.25, 1, 2],
    [0.4, 1, 2],
  ],
  64: [
    [0.1, 1, 1],
    [0.5, 1, 1],
    [0.6, 1, 2],
    [0.7, 2, 1],
    [0.9, 2, 2],
  ],
  224: [
    [0.7, 1, 2],
    [0.9, 2, 1],
    [1, 2, 3],
    [1.1, 3, 2],
    [1.5, 4, 2],
  ],
};

/** Radius and σ in pixels. */
export const motionRadiusSigma: SeverityTable<readonly [radius: number, sigma: number]> = {
  32: [
    [6, 1],
    [6, 1.5],
    [6, 2],
    [8, 2],
    [9, 2.5],
  ],
  64: [
    [10, 1],
    [10, 1.5],
    [10, 2],
    [10, 2.5],
    [12, 3],
  ],
  224: [
    [10, 3],
    [15, 5],
    [15, 8],
    [15, 12],
    [20, 15],
  ],
};

const smallZooms: Five<readonly [steps: number, step: number]> = [
  [7, 0.01],
  [12, 0.01],
  [16, 0.01],
  [21, 0.01],
  [26, 0.01],
];

/** How many zoom factors 1, 1 + step, ...; the counts are those of NumPy's `arange`, which sometimes includes its end. */
export const zoomSteps: SeverityTable<readonly [steps: number, step: number]> = {
  32: smallZooms,
  64: smallZooms,
  224: [
    [12, 0.01],
    [16, 0.01],
    [11, 0.02],
    [13, 0.02],
    [11, 0.03],
  ],
};

type SnowRow = readonly [number, number, number, number, number, number, number];

const snowRow = ([mean, deviation, zoom, threshold, radius, sigma, mix]: SnowRow): SnowConstants => ({
  mean,
  deviation,
  zoom,
  threshold,
  radius,
  sigma,
  mix,
});

export const snowConstants: SeverityTable<SnowConstants> = {
  32: [
    snowRow([0.1, 0.2, 1, 0.6, 8, 3, 0.95]),
    snowRow([0.1, 0.2, 1, 0.5, 10, 4, 0.9]),
    snowRow([0.15, 0.3, 1.75, 0.55, 10, 4, 0.9]),
    snowRow([0.25, 0.3, 2.25, 0.6, 12, 6, 0.85]),
    snowRow([0.3, 0.3, 1.25, 0.65, 14, 12, 0.8]),
  ],
  64: [
    snowRow([0.1, 0.2, 1, 0.6, 8, 3, 0.8]),
    snowRow([0.1, 0.2, 1, 0.5, 10, 4, 0.8]),
    snowRow([0.15, 0.3, 1.75, 0.55, 10, 4, 0.7]),
    snowRow([0.25, 0.3, 2.25, 0.6, 12, 6, 0.65]),
    snowRow([0.3, 0.3, 1.25, 0.65, 14, 12, 0.6]),
  ],
  224: [
    snowRow([0.1, 0.3, 3, 0.5, 10, 4, 0.8]),
    snowRow([0.2, 0.3, 2, 0.5, 12, 4, 0.7]),
    snowRow([0.55, 0.3, 4, 0.9, 12, 8, 0.7]),
    snowRow([0.55, 0.3, 4.5, 0.85, 12, 8, 0.65]),
    snowRow([0.55, 0.3, 2.5, 0.85, 12, 12, 0.55]),
  ],
};

/** Amplitude and σ of the displacements, jitter of the affine map's corners, in pixels. */
export const elasticAmplitudeSigmaJitter: SeverityTable<
  readonly [amplitude: number, sigma: number, jitter: number]
> = {
  32: [
    [0, 0, 32 * 0.08],
    [32 * 0.05, 32 * 0.2, 32 * 0.07],
    [32 * 0.08, 32 * 0.06, 32 * 0.06],
    [32 * 0.1, 32 * 0.04, 32 * 0.05],
    [32 * 0.1, 32 * 0.03, 32 * 0.03],
  ],
  64: [
    [0, 0, 64 * 0.08],
    [64 * 0.05, 64 * 0.3, 64 * 0.06],
    [64 * 0.1, 64 * 0.08, 64 * 0.06],
    [64 * 0.1, 64 * 0.03, 64 * 0.03],
    [64 * 0.16, 64 * 0.03, 64 * 0.02],
  ],
  // 244, not 224, in the reference too.
  224: [
    [244 * 2, 244 * 0.7, 244 * 0.1],
    [244 * 2, 244 * 0.08, 244 * 0.2],
    [244 * 0.05, 244 * 0.01, 244 * 0.02],
    [244 * 0.07, 244 * 0.01, 244 * 0.02],
    [244 * 0.12, 244 * 0.01, 244 * 0.02],
  ],
};

/** Quality from 1 to 100. */
export const jpegQuality: SeverityTable<number> = {
  32: [80, 65, 58, 50, 40],
  64: [65, 58, 50, 40, 25],
  224: [25, 18, 15, 10, 7],
};

type SpatterRow = readonly [number, number, number, number, number, 'water' | 'mud'];

const spatterRow = ([mean, deviation, sigma, threshold, gain, liquid]: SpatterRow): SpatterConstants => ({
  mean,
  deviation,
  sigma,
  threshold,
  gain,
  liquid,
});

export const spatterConstants: SeverityTable<SpatterConstants> = {
  32: [
    spatterRow([0.62, 0.1, 0.7, 0.7, 0.5, 'water']),
    spatterRow([0.65, 0.1, 0.8, 0.7, 0.5, 'water']),
    spatterRow([0.65, 0.3, 1, 0.69, 0.5, 'water']),
    spatterRow([0.65, 0.1, 0.7, 0.69, 0.6, 'mud']),
    spatterRow([0.65, 0.1, 0.5, 0.68, 0.6, 'mud']),
  ],
  64: [
    spatterRow([0.62, 0.1, 0.7, 0.7, 0.6, 'water']),
    spatterRow([0.65, 0.1, 0.8, 0.7, 0.6, 'water']),
    spatterRow([0.65, 0.3, 1, 0.69, 0.6, 'water']),
    spatterRow([0.65, 0.1, 0.7, 0.68, 0.6, 'mud']),
    spatterRow([0.65, 0.1, 0.5, 0.67, 0.6, 'mud']),
  ],
  224: [
    spatterRow([0.65, 0.3, 4, 0.69, 0.6, 'water']),
    spatterRow([0.65, 0.3, 3, 0.68, 0.6, 'water']),
    spatterRow([0.65, 0.3, 2, 0.68, 0.5, 'water']),
    spatterRow([0.65, 0.3, 1, 0.65, 1.5, 'mud']),
    spatterRow([0.67, 0.4, 1, 0.65, 1.5, 'mud']),
  ],
};
