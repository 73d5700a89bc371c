import type { Draws } from './draws.ts';
import type { ImageShape, RawImage } from './image.ts';

/** Takes an image and gives its values in [0, 255], not yet truncated to bytes. `severity` is 1 to 5. */
export type Corruption = (image: RawImage, severity: number, draws: Draws) => Float64Array;

/** The sizes for which the benchmark's authors chose constants: CIFAR-10-C, Tiny-ImageNet-C, ImageNet-C. */
export type ConstantsSize = 32 | 64 | 224;

/**
 * Whose constants an image gets: those of 32 px up to a shorter side of 45 px, of 64 px up to 119 px, of 224 px above
 * (the nearest of the three by ratio). So 28 px is corrupted like CIFAR-10-C, 96 px like Tiny-ImageNet-C.
 */
export function constantsSize({ height, width }: Pick<ImageShape, 'height' | 'width'>): ConstantsSize {
  const side = Math.min(height, width);
  if (side * side <= 32 * 64) return 32;
  return side * side <= 64 * 224 ? 64 : 224;
}

type Five<T> = readonly [T, T, T, T, T];

/**
 * A corruption out of its constants per size and severity (1 to 5) and what it does with one of them. The constants are
 * those of hendrycks/robustness: make_cifar_c.py, make_tinyimagenet_c.py and make_imagenet_c.py.
 */
export const corruption =
  <T>(
    constants: Readonly<Record<ConstantsSize, Five<T>>>,
    apply: (image: RawImage, constant: T, draws: Draws) => Float64Array,
  ): Corruption =>
  (image, severity, draws) =>
    apply(image, constants[constantsSize(image)][severity - 1]!, draws);
