import { matMul } from '@proj/ops';
import {
  add,
  cast,
  concat,
  oneHot,
  reshape,
  slice,
  type Tensor,
  tensor,
  tensor1d,
  transpose,
} from '@tensorflow/tfjs-core';

interface Windows {
  readonly heads: number;
  /** Height and width of a window. */
  readonly window: number;
  /** By how many rows and columns the windows are shifted. */
  readonly shift: number;
}

/** Swin's shifted windows of x [B, H, W, C] as a sequence each, `attend`, which also gets the mask [windows, heads, N, N], and back. */
export function inWindows(
  x: Tensor,
  table: Tensor,
  { heads, window, shift }: Windows,
  attend: (sequences: Tensor, mask: Tensor) => Tensor,
): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [rows, columns] = [height / window, width / window];
  const tokens = window ** 2;
  const sequences = reshape(
    transpose(
      reshape(rolled(x, -shift), [batch, rows, window, columns, window, channels]),
      [0, 1, 3, 2, 4, 5],
    ),
    [batch * rows * columns, tokens, channels],
  );
  const bias = reshape(transpose(matMul(relativePositions(window), table), [1, 0]), [
    1,
    heads,
    tokens,
    tokens,
  ]);
  const mask = add(
    bias,
    reshape(separation(height, width, window, shift), [rows * columns, 1, tokens, tokens]),
  );
  const back = transpose(
    reshape(attend(sequences, mask), [batch, rows, columns, window, window, channels]),
    [0, 1, 3, 2, 4, 5],
  );
  return rolled(reshape(back, [batch, height, width, channels]), shift);
}

/** torch's roll of [B, H, W, C] along H and W. */
function rolled(x: Tensor, by: number): Tensor {
  return [1, 2].reduce((x, axis) => {
    const size = x.shape[axis]!;
    const cut = (size - by) % size;
    const part = (from: number, to: number): Tensor => {
      const begin = x.shape.map((_, i) => (i === axis ? from : 0));
      return slice(
        x,
        begin,
        x.shape.map((whole, i) => (i === axis ? to - from : whole)),
      );
    };
    return concat([part(cut, size), part(0, cut)], axis);
  }, x);
}

/** One-hot [tokens², (2 window - 1)²]: the row of the table for each pair of tokens. A product with it has a gradient everywhere. */
function relativePositions(window: number): Tensor {
  const span = 2 * window - 1;
  const at = Array.from({ length: window ** 2 }, (_, i) => [Math.floor(i / window), i % window] as const);
  const indices = at.flatMap(([y, x]) =>
    at.map(([y2, x2]) => (y - y2 + window - 1) * span + x - x2 + window - 1),
  );
  // Cast, since tfjs's wasm kernel fills a float32 one-hot with integers.
  return cast(oneHot(tensor1d(indices, 'int32'), span ** 2), 'float32');
}

/** -100 between tokens that only the shift has brought into one window, [windows, tokens, tokens]. */
function separation(height: number, width: number, window: number, shift: number): Tensor {
  const region = (at: number, size: number): number => (at < size - window ? 0 : at < size - shift ? 1 : 2);
  const [rows, columns, tokens] = [height / window, width / window, window ** 2];
  const values = new Float32Array(rows * columns * tokens ** 2);
  let i = 0;
  for (let w = 0; w < rows * columns; w++) {
    const regions = Array.from({ length: tokens }, (_, t) => {
      const y = Math.floor(w / columns) * window + Math.floor(t / window);
      const x = (w % columns) * window + (t % window);
      return 3 * region(y, height) + region(x, width);
    });
    for (const own of regions) for (const other of regions) values[i++] = own === other ? 0 : -100;
  }
  return tensor(values, [rows * columns, tokens, tokens]);
}
