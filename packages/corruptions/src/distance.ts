/** Steps of the 5 x 5 chamfer mask with 16 binary places: to a neighbour, diagonally, and a knight's move. */
const [straight, diagonal, knight] = [65536, Math.round(1.4 * 65536), Math.round(2.1969 * 65536)];

/** More than any distance, and small enough to be added to. */
const far = 2 ** 30;

/** The chamfer distance in pixels from each pixel to the nearest that is 1 in `marks`, OpenCV's for L2 with a 5 x 5 mask. */
export function chamferDistance(marks: Uint8Array, height: number, width: number): Float64Array {
  const stride = width + 4;
  const distance = new Float64Array((height + 4) * stride).fill(far);
  // Half of the mask looks back, its mirror image ahead.
  const back: (readonly [offset: number, step: number])[] = [
    [-1, straight],
    [-stride, straight],
    [-stride - 1, diagonal],
    [-stride + 1, diagonal],
    [-stride - 2, knight],
    [-stride + 2, knight],
    [-2 * stride - 1, knight],
    [-2 * stride + 1, knight],
  ];
  const nearer = (at: number, direction: number): void => {
    for (const [offset, step] of back) {
      distance[at] = Math.min(distance[at]!, distance[at + direction * offset]! + step);
    }
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y + 2) * stride + x + 2;
      if (marks[y * width + x] === 1) distance[at] = 0;
      else nearer(at, 1);
    }
  }
  const out = new Float64Array(marks.length);
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) {
      const at = (y + 2) * stride + x + 2;
      nearer(at, -1);
      out[y * width + x] = distance[at]! / 65536;
    }
  }
  return out;
}
