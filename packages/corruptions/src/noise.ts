import type { Draws } from './draws.ts';
import { clipToBytes, type RawImage, toUnit, unit } from './image.ts';

/** `x + σ z`, z standard normal per element. */
export function gaussianNoise({ data }: RawImage, sigma: number, draws: Draws): Float64Array {
  const z = draws.normal(data.length);
  for (let i = 0; i < z.length; i++) z[i] = unit[data[i]!]! + sigma * z[i]!;
  return clipToBytes(z);
}

/** `Poisson(c x) / c` per element. */
export function shotNoise({ data }: RawImage, photons: number, draws: Draws): Float64Array {
  const means = new Float64Array(data.length);
  for (let i = 0; i < means.length; i++) means[i] = unit[data[i]!]! * photons;
  const counts = draws.poisson(means);
  for (let i = 0; i < counts.length; i++) counts[i]! /= photons;
  return clipToBytes(counts);
}

/** An element (a channel, not a pixel) becomes 0 or 1 with probability p: where u1 <= p, 1 if u2 <= 1/2. */
export function impulseNoise({ data }: RawImage, amount: number, draws: Draws): Float64Array {
  const flips = draws.uniform(data.length);
  const salts = draws.uniform(data.length);
  const x = toUnit(data);
  for (let i = 0; i < x.length; i++) {
    if (flips[i]! <= amount) x[i] = salts[i]! <= 0.5 ? 1 : 0;
  }
  return clipToBytes(x);
}

/** `x + x σ z`, z standard normal per element. */
export function speckleNoise({ data }: RawImage, sigma: number, draws: Draws): Float64Array {
  const z = draws.normal(data.length);
  for (let i = 0; i < z.length; i++) {
    const x = unit[data[i]!]!;
    z[i] = x + x * (sigma * z[i]!);
  }
  return clipToBytes(z);
}
