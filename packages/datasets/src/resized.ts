import type { ImageDataset } from './dataset.ts';
import { DatasetError } from './errors.ts';
import { readChecked } from './read-checked.ts';
import type { Interpolation } from './resample.ts';
import { checkResize, resizeAndCrop } from './resize.ts';

export interface ResizedOptions {
  /** Bicubic unless given. */
  readonly interpolation?: Interpolation;
  /** timm's `crop_pct`: the shorter side becomes floor(size / cropPct) before the centre is cut out; 1 unless given. */
  readonly cropPct?: number;
}

/**
 * The data set as evaluation looks at it: every image resized and its centre cropped to size x size, byte for byte as
 * Pillow does it (`resizeAndCrop`), each time it is asked for, so that large images take no memory.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` for a size below 1 or a `cropPct` outside (0, 1].
 */
export function resized(
  dataset: ImageDataset,
  size: number,
  { interpolation = 'bicubic', cropPct = 1 }: ResizedOptions = {},
): ImageDataset {
  if (!(cropPct > 0 && cropPct <= 1)) {
    throw new DatasetError('DS_BAD_OPTION', `cropPct must be above 0 and at most 1, got ${cropPct}.`);
  }
  const shorterSide = Math.floor(size / cropPct);
  checkResize(shorterSide, size);
  const { name, length, height, width, channels, classNames, labels } = dataset;
  const storedBytes = height * width * channels;
  const imageBytes = size * size * channels;
  return {
    name,
    length,
    height: size,
    width: size,
    channels,
    classNames,
    labels,
    async images(indices) {
      const stored = await readChecked(dataset, indices);
      const out = new Uint8Array(indices.length * imageBytes);
      for (let i = 0; i < indices.length; i++) {
        const data = stored.subarray(i * storedBytes, (i + 1) * storedBytes);
        const image = resizeAndCrop({ height, width, channels, data }, { shorterSide, size, interpolation });
        out.set(image.data, i * imageBytes);
      }
      return out;
    },
  };
}
