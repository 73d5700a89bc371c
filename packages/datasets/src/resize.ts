import { DatasetError } from './errors.ts';
import { checkCount } from './indices.ts';
import { axis, type Interpolation, resample } from './resample.ts';
import { roundHalfEven } from './rounding.ts';

/** One image: uint8 [height, width, channels]. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

export interface ResizeAndCrop {
  readonly shorterSide: number;
  readonly size: number;
  /** Bicubic unless given. */
  readonly interpolation?: Interpolation;
}

/**
 * The evaluation transform of timm and torchvision on a PIL image: `Resize(shorterSide, interpolation)`, then `CenterCrop(size)`.
 *
 * Equal to Pillow's 8-bit result byte for byte: the filter widened by the scale when shrinking, weights of 22 fraction
 * bits, first along rows, rounded to bytes, then along columns. Only the window that is kept is computed.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` when a size is below 1 or the crop is larger than the resized image,
 * `DS_BAD_DATA` when the bytes do not fit the image's size.
 */
export function resizeAndCrop(
  image: Pixels,
  { shorterSide, size, interpolation = 'bicubic' }: ResizeAndCrop,
): Pixels {
  const { height, width, channels, data } = image;
  checkResize(shorterSide, size);
  checkPixels(image);
  const shorter = Math.min(height, width);
  const kept = (side: number) => {
    const full = side === shorter ? shorterSide : Math.floor((shorterSide * side) / shorter);
    return axis(side, full, interpolation, roundHalfEven((full - size) / 2), size);
  };
  const out = resample({ data, width, channels, top: 0, left: 0 }, kept(height), kept(width));
  return { height: size, width: size, channels, data: out };
}

/** @throws {DatasetError} `DS_BAD_OPTION` when a size is below 1 or the crop is larger than the resized image. */
export function checkResize(shorterSide: number, size: number): void {
  checkCount(size, 1, 'size');
  checkCount(shorterSide, 1, 'shorterSide');
  if (size > shorterSide) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `a crop of ${size} does not fit a shorter side of ${shorterSide}.`,
    );
  }
}

/** @throws {DatasetError} `DS_BAD_DATA` when the bytes do not fit the image's size. */
function checkPixels({ height, width, channels, data }: Pixels): void {
  if (data.length !== height * width * channels) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `an image of ${height} x ${width} x ${channels} has ${data.length} bytes.`,
    );
  }
}
