import { corruption } from './corruption.ts';
import type { Draws } from './draws.ts';
import { clipToBytes, toUnit } from './image.ts';

/** `(x + amplitude map) max(x) / (max(x) + amplitude)`, `map` a fractal height map in [0, 1]. */
export const fog = corruption<readonly [amplitude: number, decay: number]>(
  // Amplitude of the height map; division of its roughness per halving of the step.
  {
    32: [
      [0.2, 3],
      [0.5, 3],
      [0.75, 2.5],
      [1, 2],
      [1.5, 1.75],
    ],
    64: [
      [0.4, 3],
      [0.7, 3],
      [1, 2.5],
      [1.5, 2],
      [2, 1.75],
    ],
    224: [
      [1.5, 2],
      [2, 2],
      [2.5, 1.7],
      [2.5, 1.5],
      [3, 1.4],
    ],
  },
  ({ data, height, width, channels }, [amplitude, decay], draws) => {
    let size = 2;
    while (size < Math.max(height, width)) size *= 2;
    const map = heightMap(size, decay, draws);
    const x = toUnit(data);
    let max = 0;
    for (let i = 0; i < x.length; i++) max = Math.max(max, x[i]!);
    for (let row = 0, i = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const mist = amplitude * map[row * size + column]!;
        for (let channel = 0; channel < channels; channel++, i++) {
          x[i] = ((x[i]! + mist) * max) / (max + amplitude);
        }
      }
    }
    return clipToBytes(x);
  },
);

/**
 * Diamond-square heights on a torus of `size` x `size` (a power of two), normalised to [0, 1].
 *
 * A new point is the mean of its four neighbours plus `wibble * U(-wibble, wibble)` (the reference multiplies twice),
 * wibble 100 at first and divided by `decay` whenever the step is halved. Draws: squares, then the diamonds on
 * the rows of corners, then those on the rows between, each row-major.
 */
function heightMap(size: number, decay: number, draws: Draws): Float64Array {
  const map = new Float64Array(size * size);
  const mask = size - 1;
  let wibble = 100;
  for (let step = size; step >= 2; step >>= 1) {
    const half = step >> 1;
    const points = (size / step) ** 2;
    // Sums pair the neighbours as the reference does, so that they round alike.
    let u = draws.uniform(points);
    for (let row = 0, i = 0; row < size; row += step) {
      const below = (row + step) & mask;
      for (let column = 0; column < size; column += step, i++) {
        const right = (column + step) & mask;
        const sum =
          map[row * size + column]! +
          map[below * size + column]! +
          (map[row * size + right]! + map[below * size + right]!);
        map[(row + half) * size + column + half] = sum / 4 + wiggle(wibble, u[i]!);
      }
    }
    u = draws.uniform(points);
    for (let row = 0, i = 0; row < size; row += step) {
      const above = (row - half) & mask;
      for (let column = 0; column < size; column += step, i++) {
        const right = (column + step) & mask;
        const middle = column + half;
        const sum =
          map[(row + half) * size + middle]! +
          map[above * size + middle]! +
          (map[row * size + column]! + map[row * size + right]!);
        map[row * size + middle] = sum / 4 + wiggle(wibble, u[i]!);
      }
    }
    u = draws.uniform(points);
    for (let row = 0, i = 0; row < size; row += step) {
      const below = (row + step) & mask;
      for (let column = 0; column < size; column += step, i++) {
        const left = (column - half) & mask;
        const middle = row + half;
        const sum =
          map[middle * size + column + half]! +
          map[middle * size + left]! +
          (map[row * size + column]! + map[below * size + column]!);
        map[middle * size + column] = sum / 4 + wiggle(wibble, u[i]!);
      }
    }
    wibble /= decay;
  }
  return normalise(map);
}

/** `wibble * U(-wibble, wibble)` out of u in [0, 1). */
const wiggle = (wibble: number, u: number): number => wibble * (-wibble + (wibble - -wibble) * u);

function normalise(map: Float64Array): Float64Array {
  let min = map[0]!;
  let max = min;
  for (const height of map) {
    if (height < min) min = height;
    if (height > max) max = height;
  }
  // Draws that leave the map flat give no fog.
  const range = max - min || 1;
  for (let i = 0; i < map.length; i++) map[i] = (map[i]! - min) / range;
  return map;
}
