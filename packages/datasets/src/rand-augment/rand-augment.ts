import type { RandomStream } from '@proj/random';
import { DatasetError } from '../errors.ts';
import { checkCount } from '../indices.ts';
import type { Pixels } from '../resize.ts';
import { operation, operationNames } from './operations.ts';

/** RandAugment (Cubuk et al. 2020) as timm 0.5.4 does it: `rand-m9-mstd0.5-inc1` is `{ magnitude: 9, magnitudeStd: 0.5 }`. */
export interface RandAugment {
  /** From 0 to 10. */
  readonly magnitude: number;
  /** Standard deviation of the normal noise on the magnitude, which is then held in 0 to 10; 0 unless given. */
  readonly magnitudeStd?: number;
  /** How many operations are drawn, one after another and with replacement; 2 unless given. */
  readonly layers?: number;
  /** With which a drawn operation is applied; 0.5 unless given. */
  readonly probability?: number;
  /** Levels, one a channel, where a moved image leaves a gap; ImageNet's mean colour unless given, for grey its green. */
  readonly fill?: readonly number[];
}

const greatest = 10;
const imagenetMean = [124, 116, 104];

/** Draws operations and applies them; the image itself is left as it is. */
export function randAugment(image: Pixels, spec: RandAugment, stream: RandomStream): Uint8Array {
  const { magnitude, magnitudeStd = 0, layers = 2, probability = 0.5 } = spec;
  const fill = spec.fill ?? (image.channels === 1 ? imagenetMean.slice(1, 2) : imagenetMean);
  let data = image.data;
  for (let layer = 0; layer < layers; layer++) {
    const { argument, apply } = operation(operationNames[stream.integer(operationNames.length)]!);
    // All is drawn for every operation, needed or not, so that a layer's draws do not hang on what came before.
    const applied = stream.uniform() < probability;
    const noisy = magnitude + magnitudeStd * stream.normal();
    const sign = stream.uniform() < 0.5 ? 1 : -1;
    const interpolation = stream.uniform() < 0.5 ? 'bilinear' : 'bicubic';
    if (!applied) continue;
    const level = Math.min(greatest, Math.max(0, noisy)) / greatest;
    data = apply({ ...image, data }, argument?.(level, sign) ?? 0, { interpolation, fill });
  }
  return data;
}

/** @throws {DatasetError} `DS_BAD_OPTION` for what timm would not take. */
export function checkRandAugment(spec: RandAugment, channels: number): void {
  const { magnitude, magnitudeStd = 0, layers = 2, probability = 0.5, fill } = spec;
  checkCount(layers, 0, 'randAugment.layers');
  const refuse = (what: string): never => {
    throw new DatasetError('DS_BAD_OPTION', `randAugment: ${what}.`);
  };
  if (!(magnitude >= 0 && magnitude <= greatest)) refuse(`magnitude must be from 0 to 10, got ${magnitude}`);
  if (!(magnitudeStd >= 0 && magnitudeStd < Number.POSITIVE_INFINITY))
    refuse(`magnitudeStd must be at least 0, got ${magnitudeStd}`);
  if (!(probability >= 0 && probability <= 1)) refuse(`probability must be from 0 to 1, got ${probability}`);
  if (fill !== undefined && fill.length !== channels)
    refuse(`fill has ${fill.length} levels, the images ${channels} channels`);
}
