import { type CorruptionName, corruptImages } from '@proj/corruptions';
import type { ImageDataset } from '@proj/datasets';

export interface CorruptionSetting {
  readonly name: CorruptionName;
  /** 1 to 5. */
  readonly severity: number;
  readonly seed: number;
}

/**
 * The data set with every image corrupted. Image i always draws from the same stream, so a second look or another order shows
 * the same pixels: a fixed corrupted copy with nothing clean mixed in, as the paper trains on.
 *
 * Images are corrupted when asked for; `inMemory(corrupted(...))` does it once and for all.
 */
export function corrupted(dataset: ImageDataset, { name, severity, seed }: CorruptionSetting): ImageDataset {
  const { length, height, width, channels, classNames, labels } = dataset;
  const size = height * width * channels;
  return {
    name: `${dataset.name} under ${name}, severity ${severity}`,
    length,
    height,
    width,
    channels,
    classNames,
    labels,
    async images(indices) {
      const images = new Uint8Array(await dataset.images(indices));
      for (let i = 0; i < indices.length; i++) {
        const at = i * size;
        images.set(
          corruptImages(images.subarray(at, at + size), dataset, name, severity, seed, indices[i]!),
          at,
        );
      }
      return images;
    },
  };
}
