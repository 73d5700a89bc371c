import type { Border } from './border.ts';

/**
 * Separable Gaussian filter along axis 0, then 1, of an interleaved [height, width, channels] array:
 * radius `int(truncate σ + 1/2)`, weights `exp(-i² / 2σ²)` normalised.
 *
 * Terms are added in SciPy's order (centre, then pairs from the outside inwards), so that sums round alike.
 */
export function gaussianFilter(
  source: Float64Array,
  { height, width, channels }: { height: number; width: number; channels: number },
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

/** Filters the middle axis of [blocks, length, run], a run of neighbours at a time. */
function filterAxis(
  source: Float64Array,
  target: Float64Array,
  weights: Float64Array,
  border: Border,
  blocks: number,
  length: number,
  run: number,
): void {
  const centre = weights[0]!;
  const radius = weights.length - 1;
  const indices = Int32Array.from(
    { length: length + 2 * radius },
    (_, i) => border(i - radius, length) * run,
  );
  for (let block = 0; block < blocks; block++) {
    const start = block * length * run;
    for (let at = 0; at < length; at++) {
      const out = start + at * run;
      for (let i = 0; i < run; i++) target[out + i] = source[out + i]! * centre;
      for (let distance = radius; distance >= 1; distance--) {
        const before = start + indices[radius + at - distance]!;
        const after = start + indices[radius + at + distance]!;
        const weight = weights[distance]!;
        for (let i = 0; i < run; i++) target[out + i]! += (source[before + i]! + source[after + i]!) * weight;
      }
    }
  }
}
