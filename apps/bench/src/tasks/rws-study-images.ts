import type { CorruptionName } from '@proj/corruptions';
import { type ImageDataset, subset } from '@proj/datasets';
import { type ImagesConfig, openParts, partSize, underCorruption, type Watch } from './images.ts';

/** Images of a part, and how they look when corrupted. */
export type LookedAtConfig = ImagesConfig & {
  /** So many of the part, taken evenly over it. */
  readonly images: number;
  /** 1 to 5. */
  readonly severity: number;
  readonly corruptionSeed: number;
};

export const lookedAtSize = (config: LookedAtConfig): number =>
  Math.min(config.images, partSize(config, config.part));

export interface Looks {
  readonly clean: ImageDataset;
  /** The same images under a corruption, made once. */
  under(corruption: CorruptionName): Promise<ImageDataset>;
}

/** @throws as `openParts`. */
export async function openLooks(config: LookedAtConfig, watch: Watch): Promise<Looks> {
  const part = (await openParts(config))(config.part);
  const count = Math.min(config.images, part.length);
  const clean = subset(
    part,
    Array.from({ length: count }, (_, i) => Math.floor((i * part.length) / count)),
  );
  const made = new Map<CorruptionName, Promise<ImageDataset>>();
  return {
    clean,
    under(corruption) {
      const look = made.get(corruption) ?? underCorruption(clean, { ...config, corruption }, watch);
      made.set(corruption, look);
      return look;
    },
  };
}
