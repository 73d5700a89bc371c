import { random } from '@proj/random';
import { DatasetError } from './errors.ts';
import { checkCount } from './indices.ts';

/** torchvision's `RandomCrop(size, padding=cropPadding)` and then `RandomHorizontalFlip(0.5)`. */
export interface Augmentation {
  /** Zeros added on every side before a window of the old size is cut out anywhere; 0 for no cropping. */
  readonly cropPadding: number;
  /** Whether every second image, by chance, is mirrored left to right. */
  readonly flip: boolean;
}

export interface AugmentOptions extends Augmentation {
  readonly seed: number;
  readonly epoch: number;
  /** Index in the data set of every image given. */
  readonly indices: ArrayLike<number>;
}

/**
 * Crops and mirrors uint8 images [n, height, width, channels], into new memory.
 *
 * What happens to an image depends on (seed, epoch, its index) alone, never on the batch it is in.
 *
 * @throws {DatasetError} `DS_BAD_DATA` when the bytes are not those of one image per index, `DS_BAD_OPTION` for a negative
 * padding.
 */
export function augment(
  images: Uint8Array,
  { height, width, channels }: { readonly height: number; readonly width: number; readonly channels: number },
  { seed, epoch, indices, cropPadding, flip }: AugmentOptions,
): Uint8Array {
  checkCount(cropPadding, 0, 'cropPadding');
  checkCount(epoch, 0, 'epoch');
  const imageBytes = height * width * channels;
  if (images.length !== indices.length * imageBytes) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `${indices.length} indices and images of ${height} x ${width} x ${channels} need ${indices.length * imageBytes} bytes, got ${images.length}.`,
    );
  }
  const out = new Uint8Array(images.length);
  for (let i = 0; i < indices.length; i++) {
    // All three are always drawn, so that switching one augmentation off leaves the other as it was.
    const stream = random(seed, 'augment', epoch, indices[i]!);
    const down = stream.integer(2 * cropPadding + 1) - cropPadding;
    const right = stream.integer(2 * cropPadding + 1) - cropPadding;
    const mirrored = stream.uniform() < 0.5 && flip;
    for (let y = 0; y < height; y++) {
      const fromY = y + down;
      if (fromY < 0 || fromY >= height) continue;
      for (let x = 0; x < width; x++) {
        const fromX = (mirrored ? width - 1 - x : x) + right;
        if (fromX < 0 || fromX >= width) continue;
        const from = i * imageBytes + (fromY * width + fromX) * channels;
        const to = i * imageBytes + (y * width + x) * channels;
        for (let c = 0; c < channels; c++) out[to + c] = images[from + c]!;
      }
    }
  }
  return out;
}
