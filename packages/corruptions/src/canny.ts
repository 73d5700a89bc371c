import { nearest } from './border.ts';

/** tan 22.5° with 15 binary places. */
const tangent = 13573;

/**
 * OpenCV's Canny edges of a grey image: 3 x 3 Sobel gradients g, |gx| + |gy| as their size, thinned across their direction,
 * kept above `high`, and above `low` where they touch kept ones. 1 on edges, else 0.
 */
export function canny(
  image: Uint8Array,
  height: number,
  width: number,
  low: number,
  high: number,
): Uint8Array {
  const { gx, gy } = sobel(image, height, width);
  // One column and row of zeros around, so that the ends compare like the rest.
  const stride = width + 2;
  const size = new Int32Array((height + 2) * stride);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) size[(y + 1) * stride + x + 1] = Math.abs(gx[i]!) + Math.abs(gy[i]!);
  }
  const candidates = new Uint8Array(size.length);
  const strong: number[] = [];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const at = (y + 1) * stride + x + 1;
      if (size[at]! <= low || !isRidge(size, at, stride, gx[i]!, gy[i]!)) continue;
      candidates[at] = 1;
      if (size[at]! > high) strong.push(at);
    }
  }
  const edges = new Uint8Array(image.length);
  for (let at = strong.pop(); at !== undefined; at = strong.pop()) {
    if (candidates[at] === 0) continue;
    candidates[at] = 0;
    edges[(Math.floor(at / stride) - 1) * width + (at % stride) - 1] = 1;
    for (const row of [-stride, 0, stride]) strong.push(at + row - 1, at + row, at + row + 1);
  }
  return edges;
}

function sobel(image: Uint8Array, height: number, width: number): { gx: Int32Array; gy: Int32Array } {
  const gx = new Int32Array(image.length);
  const gy = new Int32Array(image.length);
  for (let y = 0, i = 0; y < height; y++) {
    const above = nearest(y - 1, height) * width;
    const here = y * width;
    const below = nearest(y + 1, height) * width;
    for (let x = 0; x < width; x++, i++) {
      const left = nearest(x - 1, width);
      const right = nearest(x + 1, width);
      const diagonal = image[below + right]! - image[above + left]!;
      const counter = image[above + right]! - image[below + left]!;
      gx[i] = diagonal + counter + 2 * (image[here + right]! - image[here + left]!);
      gy[i] = diagonal - counter + 2 * (image[below + x]! - image[above + x]!);
    }
  }
  return { gx, gy };
}

/** Whether the gradient at `at` exceeds its neighbours' on either side, along the nearest of four directions. */
function isRidge(size: Int32Array, at: number, stride: number, gx: number, gy: number): boolean {
  const own = size[at]!;
  const y = Math.abs(gy) * 32768;
  const flat = Math.abs(gx) * tangent;
  if (y < flat) return own > size[at - 1]! && own >= size[at + 1]!;
  if (y > flat + Math.abs(gx) * 65536) return own > size[at - stride]! && own >= size[at + stride]!;
  const slant = gx < 0 !== gy < 0 ? -1 : 1;
  return own > size[at - stride - slant]! && own > size[at + stride + slant]!;
}
