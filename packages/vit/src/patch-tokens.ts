import { linear, patchify } from '@proj/ops';
import { reshape, type Tensor } from '@tensorflow/tfjs-core';
import { VitError } from './error.ts';
import type { EmbedSpec } from './layers.ts';
import type { NamedParameters } from './named-parameters.ts';

/**
 * The projected patches of images, row by row: [B, channels, imageSize, imageSize] -> [B, (imageSize / patchSize)², C].
 *
 * @throws {VitError} `VIT_INPUT_SHAPE` for images of another size.
 */
export function patchTokens(
  images: Tensor,
  at: Pick<EmbedSpec, 'proj' | 'patchSize' | 'channels' | 'imageSize'>,
  { affine }: NamedParameters,
): Tensor {
  requireImages(images, at);
  const { weight, bias } = affine(at.proj);
  const kernel = reshape(weight, [weight.shape[0]!, weight.size / weight.shape[0]!]);
  return linear(patchify(images, at.patchSize), kernel, bias);
}

/** Refuses images that are not [B, channels, imageSize, imageSize] (`VIT_INPUT_SHAPE`). */
export function requireImages(
  images: Tensor,
  { channels, imageSize }: Pick<EmbedSpec, 'channels' | 'imageSize'>,
): void {
  const [, ...size] = images.shape;
  if (images.rank === 4 && size[0] === channels && size[1] === imageSize && size[2] === imageSize) return;
  throw new VitError(
    'VIT_INPUT_SHAPE',
    `images are [${images.shape}], expected [B, ${channels}, ${imageSize}, ${imageSize}]; preprocess() makes such input.`,
  );
}
