import { reshape, type Tensor, transpose } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/**
 * Cuts `images` [B, C, H, W] into square patches -> [B, (H/p)(W/p), C p p], float32: patches row by row, channel first within a patch.
 *
 * A convolution weight [out, C, p, p] of stride p, reshaped to [out, C p p], is the linear weight that belongs to it.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH` where H or W is no multiple of `patch`, `OPS_BAD_DTYPE`.
 */
export function patchify(images: Tensor, patch: number): Tensor {
  requireFloat('patchify', { images });
  const [batch, channels, height, width] = images.shape as [number, number, number, number];
  requireShapes(
    images.rank === 4 && Number.isInteger(patch) && patch > 0 && height % patch === 0 && width % patch === 0,
    `patchify with patch ${patch}`,
    'images [B, C, H, W] with H and W multiples of the patch',
    { images },
  );
  const down = height / patch;
  const across = width / patch;
  // Two transposes of rank 4 instead of one of rank 6, which backends run element by element.
  const rowsFirst = [batch, channels, down, patch * width];
  const strips = [batch, down, channels, patch * width];
  const columnsInside = [batch * down, channels * patch, across, patch];
  const columnsFirst = [batch * down, across, channels * patch, patch];
  const swap = (x: Tensor, from: number[]): Tensor => transpose(reshape(x, from), [0, 2, 1, 3]);

  return differentiable([images], ([images]) => ({
    value: reshape(swap(swap(images!, rowsFirst), columnsInside), [
      batch,
      down * across,
      channels * patch * patch,
    ]),
    saved: [],
    gradient: (dy) => [reshape(swap(swap(dy, columnsFirst), strips), [batch, channels, height, width])],
  }));
}
