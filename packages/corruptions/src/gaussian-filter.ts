import type { Border } from './border.ts';
import type { ImageShape } from './image.ts';

/**
 * Separable Gaussian filter along axis 0, then 1, of an interleaved [height, width, channels] array:
 * radius `int(truncate σ + 1/2)`, weights `exp(-i² / 2σ²)` normalised.
 *
 * Terms are added in SciPy's order (centre, then pairs from the outside inwards), so that sums round alike.
 */
export function gaussianFilter(
  source: Float64Array,
  { height, width, channels }: ImageShape,
  sigma: number,
  border: Border,
  truncate = 4,
): Float64Array {
  const weights = gaussianWeights(sigma, truncate);
  const vertical = new Float64Array(source.length);
  filterAxis(source, vertical, weights, border, 1, height, width * channels);
  const both = new Float64Array(source.length);
  filterAxis(vertical, both, weights, border, height, width, channels);
  return both;
}

/** Half of the symmetric kernel: weights at distance 0, 1, ..., radius. */
function gaussianWeights(sigma: number, truncate: number): Float64Array {
  const radius = Math.trunc(truncate * sigma + 0.5);
  const weights = new Float64Array(radius + 1);
  const scale = -0.5 / (sigma * sigma);
  for (let i = 0; i <= radius; i++) weights[i] = Math.exp(scale * i * i);
  let sum = 0;
  for (let i = -radius; i <= radius; i++) sum += weights[Math.abs(i)]!;
  return weights.map((weight) => weight / sum);
}

/** Filters the middle axis of [blocks, length, run]. */
function filterAxis(
  source: Float64Array,
  target: Float64Array,
  weights: Float64Array,
  border: Border,
  blocks: number,
  length: number,
  run: number,
): void {
  const radius = weights.length - 1;
  const size = length * run;
  // One block with its axis continued by the radius on both ends: every tap is then one long run of neighbours.
  const line = new Float64Array(size + 2 * radius * run);
  for (let start = 0; start < blocks * size; start += size) {
    line.set(source.subarray(start, start + size), radius * run);
    for (let distance = 1; distance <= radius; distance++) {
      const before = start + border(-distance, length) * run;
      const after = start + border(length - 1 + distance, length) * run;
      line.set(source.subarray(before, before + run), (radius - distance) * run);
      line.set(source.subarray(after, after + run), (radius + length - 1 + distance) * run);
    }
    const centre = radius * run;
    for (let i = 0; i < size; i++) target[start + i] = line[centre + i]! * weights[0]!;
    for (let distance = radius; distance >= 1; distance--) {
      const weight = weights[distance]!;
      const before = centre - distance * run;
      const after = centre + distance * run;
      for (let i = 0; i < size; i++) target[start + i]! += (line[before + i]! + line[after + i]!) * weight;
    }
  }
}
