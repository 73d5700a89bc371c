import { type ConvnetConfig, checkConfig } from './config.ts';
import { ConvnetError } from './error.ts';

/**
 * Normalises `count` images of the model's size: uint8 [count, H, W, channels] to float32 [count, channels, H, W],
 * (x / 255 - mean) / std with float32 steps, as torchvision's ToTensor and Normalize round it.
 *
 * Resizing and cropping come before this and are the reader's business (`preprocessing.interpolation`, `cropPct`).
 *
 * @throws {ConvnetError} `CONVNET_IMAGE_BYTES` when `images` is not `count` images of this size; `CONVNET_CONFIG_INVALID`.
 */
export function preprocess(images: Uint8Array, count: number, config: ConvnetConfig): Float32Array {
  checkConfig(config);
  const { imageSize, channels, preprocessing } = config;
  const plane = imageSize * imageSize;
  if (!Number.isInteger(count) || count < 0 || images.length !== count * plane * channels) {
    throw new ConvnetError(
      'CONVNET_IMAGE_BYTES',
      `${config.name} takes images of ${imageSize} x ${imageSize} x ${channels} bytes, so ${count} of them are ` +
        `${count * plane * channels} bytes, got ${images.length}; resize, crop and convert the colours first.`,
    );
  }
  const output = new Float32Array(images.length);
  for (let channel = 0; channel < channels; channel++) {
    const level = normalisedLevels(preprocessing.mean[channel]!, preprocessing.std[channel]!);
    for (let image = 0; image < count; image++) {
      const from = image * plane * channels + channel;
      const to = (image * channels + channel) * plane;
      for (let i = 0; i < plane; i++) output[to + i] = level[images[from + i * channels]!]!;
    }
  }
  return output;
}

/** What each of the 256 byte values becomes. */
function normalisedLevels(mean: number, std: number): Float32Array {
  const { fround } = Math;
  return Float32Array.from({ length: 256 }, (_, x) => fround(fround(x / 255) - fround(mean)) / fround(std));
}
