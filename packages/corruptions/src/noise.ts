import { corruption } from './corruption.ts';
import { clipToBytes, toUnit, unit } from './image.ts';

/** `x + σ z`, z standard normal per element. */
export const gaussianNoise = corruption<number>(
  // σ.
  {
    32: [0.04, 0.06, 0.08, 0.09, 0.1],
    64: [0.04, 0.08, 0.12, 0.15, 0.18],
    224: [0.08, 0.12, 0.18, 0.26, 0.38],
  },
  ({ data }, sigma, draws) => {
    const z = draws.normal(data.length);
    for (let i = 0; i < z.length; i++) z[i] = unit[data[i]!]! + sigma * z[i]!;
    return clipToBytes(z);
  },
);

/** `Poisson(c x) / c` per element. */
export const shotNoise = corruption<number>(
  // Photons at full brightness.
  {
    32: [500, 250, 100, 75, 50],
    64: [250, 100, 50, 30, 15],
    224: [60, 25, 12, 5, 3],
  },
  ({ data }, photons, draws) => {
    const means = new Float64Array(data.length);
    for (let i = 0; i < means.length; i++) means[i] = unit[data[i]!]! * photons;
    const counts = draws.poisson(means);
    for (let i = 0; i < counts.length; i++) counts[i]! /= photons;
    return clipToBytes(counts);
  },
);

/** An element (a channel, not a pixel) becomes 0 or 1 with probability p: where u1 <= p, 1 if u2 <= 1/2. */
export const impulseNoise = corruption<number>(
  // Share of elements that are replaced.
  {
    32: [0.01, 0.02, 0.03, 0.05, 0.07],
    64: [0.01, 0.02, 0.05, 0.08, 0.14],
    224: [0.03, 0.06, 0.09, 0.17, 0.27],
  },
  ({ data }, amount, draws) => {
    const flips = draws.uniform(data.length);
    const salts = draws.uniform(data.length);
    const x = toUnit(data);
    for (let i = 0; i < x.length; i++) {
      if (flips[i]! <= amount) x[i] = salts[i]! <= 0.5 ? 1 : 0;
    }
    return clipToBytes(x);
  },
);

/** `x + x σ z`, z standard normal per element. */
export const speckleNoise = corruption<number>(
  // σ relative to x.
  {
    32: [0.06, 0.1, 0.12, 0.16, 0.2],
    64: [0.15, 0.2, 0.25, 0.3, 0.35],
    224: [0.15, 0.2, 0.35, 0.45, 0.6],
  },
  ({ data }, sigma, draws) => {
    const z = draws.normal(data.length);
    for (let i = 0; i < z.length; i++) {
      const x = unit[data[i]!]!;
      z[i] = x + x * (sigma * z[i]!);
    }
    return clipToBytes(z);
  },
);
