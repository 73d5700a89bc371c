import { gatherRows } from '@proj/ops';
import { add, reshape, type Tensor, tensor, transpose } from '@tensorflow/tfjs-core';
import type { WindowSpec } from './swin-layers.ts';
import { mergeOrder, relativePositions, shiftMask, windowOrder } from './windows.ts';

/** A map [B, side, side, C] cut into windows [B R, size², C]; the R windows of an image follow each other. */
export function intoWindows(x: Tensor, window: WindowSpec): Tensor {
  const { side, size } = window;
  const [batch, , , width] = x.shape as [number, number, number, number];
  const tokens = gatherRows(reshape(x, [batch, side ** 2, width]), windowOrder(window));
  return reshape(tokens, [(batch * side ** 2) / size ** 2, size ** 2, width]);
}

/** The inverse of `intoWindows`. */
export function outOfWindows(x: Tensor, window: WindowSpec): Tensor {
  const { side } = window;
  const width = x.shape[2]!;
  const batch = x.size / (side ** 2 * width);
  const back = new Int32Array(side ** 2);
  windowOrder(window).forEach((token, place) => {
    back[token] = place;
  });
  return reshape(gatherRows(reshape(x, [batch, side ** 2, width]), back), [batch, side, side, width]);
}

/**
 * What is added to the scores, as `attentionBlock` takes it: the table [(2 size - 1)², heads] by relative position, with a
 * gradient, [1, heads, size², size²]; of shifted windows with the mask, [R, heads, size², size²].
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_ARGUMENT` for a table of another shape.
 */
export function windowBias(table: Tensor, window: WindowSpec): Tensor {
  const { side, size, shift } = window;
  const tokens = size ** 2;
  const [rows, heads] = table.shape as [number, number];
  const pairs = gatherRows(reshape(table, [1, rows, heads]), relativePositions(size));
  const bias = reshape(transpose(pairs, [0, 2, 1]), [1, heads, tokens, tokens]);
  if (shift === 0) return bias;
  return add(bias, tensor(shiftMask(window), [(side / size) ** 2, 1, tokens, tokens]));
}

/** Each 2 x 2 tokens of a map [B, side, side, C] side by side, [B, side / 2, side / 2, 4 C], as a merger reads them. */
export function mergedTokens(x: Tensor, side: number): Tensor {
  const [batch, , , width] = x.shape as [number, number, number, number];
  const tokens = gatherRows(reshape(x, [batch, side ** 2, width]), mergeOrder(side));
  return reshape(tokens, [batch, side / 2, side / 2, 4 * width]);
}
