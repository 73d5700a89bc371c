import { gaussianBlur } from './blur.ts';
import {
  brightnessAmount,
  constantsSize,
  contrastFactor,
  defocusRadiusAlias,
  elasticAmplitudeSigmaJitter,
  fogAmplitudeDecay,
  gaussianBlurSigma,
  gaussianNoiseSigma,
  glassSigmaReachRounds,
  impulseNoiseAmount,
  jpegQuality,
  motionRadiusSigma,
  pixelateFactor,
  type SeverityTable,
  saturateFactorOffset,
  shotNoisePhotons,
  snowConstants,
  spatterConstants,
  speckleNoiseSigma,
  zoomSteps,
} from './constants.ts';
import { contrast } from './contrast.ts';
import { defocusBlur } from './defocus.ts';
import type { Draws } from './draws.ts';
import { elasticTransform } from './elastic.ts';
import { CorruptionError } from './error.ts';
import { fog } from './fog.ts';
import { glassBlur } from './glass-blur.ts';
import { brightness, saturate } from './hsv.ts';
import type { RawImage } from './image.ts';
import { jpegCompression } from './jpeg.ts';
import { motionBlur } from './motion-blur.ts';
import { nearestName } from './nearest-name.ts';
import { gaussianNoise, impulseNoise, shotNoise, speckleNoise } from './noise.ts';
import { pixelate } from './pixelate.ts';
import { snow } from './snow.ts';
import { spatter } from './spatter.ts';
import { zoomBlur } from './zoom-blur.ts';

/** The image's values in [0, 255], not yet truncated to bytes. */
export type Corruption = (image: RawImage, severity: number, draws: Draws) => Float64Array;

const corruption =
  <T>(table: SeverityTable<T>, apply: (image: RawImage, constant: T, draws: Draws) => Float64Array) =>
  (image: RawImage, severity: number, draws: Draws): Float64Array =>
    apply(image, table[constantsSize(image)][severity - 1]!, draws);

/** In the order of the benchmark's papers, the four extra ones last. */
const corruptions = {
  gaussian_noise: corruption(gaussianNoiseSigma, gaussianNoise),
  shot_noise: corruption(shotNoisePhotons, shotNoise),
  impulse_noise: corruption(impulseNoiseAmount, impulseNoise),
  defocus_blur: corruption(defocusRadiusAlias, defocusBlur),
  glass_blur: corruption(glassSigmaReachRounds, glassBlur),
  motion_blur: corruption(motionRadiusSigma, motionBlur),
  zoom_blur: corruption(zoomSteps, zoomBlur),
  snow: corruption(snowConstants, snow),
  fog: corruption(fogAmplitudeDecay, fog),
  brightness: corruption(brightnessAmount, brightness),
  contrast: corruption(contrastFactor, contrast),
  elastic_transform: corruption(elasticAmplitudeSigmaJitter, elasticTransform),
  pixelate: corruption(pixelateFactor, pixelate),
  jpeg_compression: corruption(jpegQuality, jpegCompression),
  speckle_noise: corruption(speckleNoiseSigma, speckleNoise),
  gaussian_blur: corruption(gaussianBlurSigma, gaussianBlur),
  spatter: corruption(spatterConstants, spatter),
  saturate: corruption(saturateFactorOffset, saturate),
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
