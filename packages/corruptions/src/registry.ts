import { gaussianBlur } from './blur.ts';
import { contrast } from './contrast.ts';
import type { Corruption } from './corruption.ts';
import { defocusBlur } from './defocus.ts';
import { elasticTransform } from './elastic.ts';
import { CorruptionError } from './error.ts';
import { fog } from './fog.ts';
import { glassBlur } from './glass-blur.ts';
import { brightness, saturate } from './hsv.ts';
import { jpegCompression } from './jpeg.ts';
import { motionBlur } from './motion-blur.ts';
import { nearestName } from './nearest-name.ts';
import { gaussianNoise, impulseNoise, shotNoise, speckleNoise } from './noise.ts';
import { pixelate } from './pixelate.ts';
import { snow } from './snow.ts';
import { spatter } from './spatter.ts';
import { zoomBlur } from './zoom-blur.ts';

/** In the order of the benchmark's papers, the four extra ones last. */
const corruptions = {
  gaussian_noise: gaussianNoise,
  shot_noise: shotNoise,
  impulse_noise: impulseNoise,
  defocus_blur: defocusBlur,
  glass_blur: glassBlur,
  motion_blur: motionBlur,
  zoom_blur: zoomBlur,
  snow,
  fog,
  brightness,
  contrast,
  elastic_transform: elasticTransform,
  pixelate,
  jpeg_compression: jpegCompression,
  speckle_noise: speckleNoise,
  gaussian_blur: gaussianBlur,
  spatter,
  saturate,
} satisfies Readonly<Record<string, Corruption>>;

export type CorruptionName = keyof typeof corruptions;

/** Every corruption there is, by the benchmark's names. */
export const corruptionNames: readonly CorruptionName[] = Object.freeze(
  Object.keys(corruptions) as CorruptionName[],
);

/** Throws `CORRUPTION_UNKNOWN_NAME` with the nearest name that exists. */
export function corruptionByName(name: string): Corruption {
  if (!Object.hasOwn(corruptions, name)) {
    throw new CorruptionError(
      'CORRUPTION_UNKNOWN_NAME',
      `there is no corruption "${name}"; did you mean "${nearestName(name, corruptionNames)}"? ` +
        `Known: ${corruptionNames.join(', ')}.`,
    );
  }
  return corruptions[name as CorruptionName];
}
