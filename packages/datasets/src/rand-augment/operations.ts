import type { Pixels } from '../resize.ts';
import { brightness, color, contrast, sharpness } from './enhance.ts';
import { autoContrast, equalize, mapLevels } from './levels.ts';
import { type Affine, rotation, type WarpOptions, warp } from './warp.ts';

interface Operation {
  /** What the operation takes at a level from 0 to 1; `sign` is 1 or -1 by chance. Operations without one have none. */
  argument?(level: number, sign: number): number;
  /** The changed image, in new memory. */
  apply(image: Pixels, argument: number, warping: WarpOptions): Uint8Array;
}

const enhancement = (apply: (image: Pixels, factor: number) => Uint8Array): Operation => ({
  argument: (level, sign) => Math.max(0.1, 1 + sign * 0.9 * level),
  apply,
});

const warping = (range: number, matrix: (image: Pixels, argument: number) => Affine): Operation => ({
  argument: (level, sign) => sign * range * level,
  apply: (image, argument, options) => warp(image, matrix(image, argument), options),
});

/**
 * timm's "increasing" operations, those whose effect grows with the level, in its order.
 *
 * Equal to Pillow byte for byte.
 */
const operations = {
  AutoContrast: { apply: autoContrast },
  Equalize: { apply: equalize },
  Invert: { apply: (image) => mapLevels(image, (level) => 255 - level) },
  Rotate: {
    argument: (level, sign) => sign * 30 * level,
    apply: (image, degrees, options) =>
      degrees === 0 ? image.data.slice() : warp(image, rotation(image, degrees), options),
  },
  PosterizeIncreasing: {
    argument: (level) => 4 - Math.trunc(4 * level),
    apply: (image, bits) => mapLevels(image, (level) => level & (0xff << (8 - bits))),
  },
  SolarizeIncreasing: {
    argument: (level) => 256 - Math.trunc(256 * level),
    apply: (image, threshold) => mapLevels(image, (level) => (level < threshold ? level : 255 - level)),
  },
  SolarizeAdd: {
    argument: (level) => Math.trunc(110 * level),
    apply: (image, add) => mapLevels(image, (level) => (level < 128 ? level + add : level)),
  },
  ColorIncreasing: enhancement(color),
  ContrastIncreasing: enhancement(contrast),
  BrightnessIncreasing: enhancement(brightness),
  SharpnessIncreasing: enhancement(sharpness),
  ShearX: warping(0.3, (_, factor) => [1, factor, 0, 0, 1, 0]),
  ShearY: warping(0.3, (_, factor) => [1, 0, 0, factor, 1, 0]),
  TranslateXRel: warping(0.45, ({ width }, share) => [1, 0, share * width, 0, 1, 0]),
  TranslateYRel: warping(0.45, ({ height }, share) => [1, 0, 0, 0, 1, share * height]),
} satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof operations;

export const operationNames = Object.keys(operations) as readonly OperationName[];

export const operation = (name: OperationName): Operation => operations[name];
