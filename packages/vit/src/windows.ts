import type { WindowSpec } from './swin-layers.ts';

/** What is added to the score of two tokens that only a shift has brought into one window; its softmax is 4e-44. */
const APART = -100;

/**
 * The tokens of a map [side, side], rows first, in the order of their windows: windows row by row, tokens row by row within each,
 * of the map rolled up and left by `shift` (torch's `roll` by -shift).
 */
export function windowOrder({ side, size, shift }: WindowSpec): Int32Array {
  return Int32Array.from(placesInWindows(side, size), ([row, column]) => {
    return ((row + shift) % side) * side + ((column + shift) % side);
  });
}

/**
 * [windows, size², size²], 0 or -100: which tokens of the rolled map are neighbours in the map itself. After the roll, its last
 * `shift` rows are those that were its first, and likewise its columns; the windows there hold up to four regions.
 */
export function shiftMask({ side, size, shift }: WindowSpec): Float32Array {
  const tokens = size ** 2;
  const isWrapped = (place: number): boolean => place >= side - shift;
  const regions = placesInWindows(side, size).map(
    ([row, column]) => 2 * Number(isWrapped(row)) + Number(isWrapped(column)),
  );
  const mask = new Float32Array(regions.length * tokens);
  for (let query = 0; query < regions.length; query++) {
    const first = query - (query % tokens);
    for (let key = 0; key < tokens; key++) {
      if (regions[first + key] !== regions[query]) mask[query * tokens + key] = APART;
    }
  }
  return mask;
}

/**
 * The row of the table [(2 size - 1)², heads] for each query and key of a window, [size², size²]: by how many rows and columns the
 * query lies behind the key, each counted from -(size - 1). torchvision's buffer `relative_position_index`.
 */
export function relativePositions(size: number): Int32Array {
  const places = placesInWindows(size, size);
  const span = 2 * size - 1;
  return Int32Array.from(
    places.flatMap(([row, column]) =>
      places.map(([keyRow, keyColumn]) => (row - keyRow + size - 1) * span + column - keyColumn + size - 1),
    ),
  );
}

/** The tokens of a map in the order in which a merger reads them: 2 x 2 by 2 x 2, columns first within each. */
export function mergeOrder(side: number): Int32Array {
  return Int32Array.from({ length: side ** 2 }, (_, i) => {
    const [group, within] = [Math.floor(i / 4), i % 4];
    const row = 2 * Math.floor(group / (side / 2)) + (within % 2);
    const column = 2 * (group % (side / 2)) + Math.floor(within / 2);
    return row * side + column;
  });
}

/** Row and column in a map [side, side] of each token of each window. */
function placesInWindows(side: number, size: number): [row: number, column: number][] {
  const across = side / size;
  return Array.from({ length: side ** 2 }, (_, i) => {
    const [window, token] = [Math.floor(i / size ** 2), i % size ** 2];
    return [
      Math.floor(window / across) * size + Math.floor(token / size),
      (window % across) * size + (token % size),
    ];
  });
}
