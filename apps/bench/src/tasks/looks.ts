import type { CorruptionName } from '@proj/corruptions';
import { type ImageDataset, split } from '@proj/datasets';
import { underCorruption, type Watch } from './images.ts';
import { joined } from './joined.ts';

/** How a training's images look. */
export type LooksConfig = {
  /** None: clean. One: every image under it. Several: a random equal share of the images under each, once and for all (rws.md, 1.8). */
  readonly corruptions: readonly CorruptionName[];
  /** 1 to 5. */
  readonly severity: number;
  readonly corruptionSeed: number;
};

/** The images as they look, each made once. What does not divide evenly is with the first corruptions. */
export async function underCorruptions(
  dataset: ImageDataset,
  { corruptions, severity, corruptionSeed }: LooksConfig,
  watch: Watch,
): Promise<ImageDataset> {
  const under = (images: ImageDataset, corruption?: CorruptionName) =>
    underCorruption(images, { ...(corruption && { corruption }), severity, corruptionSeed }, watch);
  if (corruptions.length <= 1) return under(dataset, corruptions[0]);
  const [each, rest] = [Math.floor(dataset.length / corruptions.length), dataset.length % corruptions.length];
  const sizes = corruptions.map((_, i) => each + (i < rest ? 1 : 0));
  const parts = split(dataset, sizes, corruptionSeed, { stratified: false });
  const made: ImageDataset[] = [];
  for (const [i, part] of parts.entries()) made.push(await under(part, corruptions[i]));
  return joined(made);
}
