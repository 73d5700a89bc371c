import { fixtures } from '@proj/fixtures';
import { random } from '@proj/random';
import { describe, expect, it } from 'vitest';
import { type CorruptionName, corruptToFloat, seededDraws } from './index.ts';

interface Statistics {
  readonly mean: number;
  readonly std: number;
  readonly frac0: number;
  readonly frac255: number;
}
type PerLevel = Readonly<Record<string, Statistics>>;

/** How many values a level, severity and size. The reference drew 120,000. */
const samples = 30_000;

const { sizes } = fixtures('rws').json<{ sizes: Record<string, Record<string, readonly PerLevel[]>> }>(
  'noise_stats.json',
);

/** One grey image whose shorter side selects the constants of `size`. */
function seededValues(name: CorruptionName, size: number, severity: number, level: number): Float64Array {
  const width = Math.ceil(samples / size);
  const image = { data: new Uint8Array(size * width).fill(level), height: size, width, channels: 1 };
  return corruptToFloat(image, name, severity, seededDraws(random(1, name, size, severity, level)));
}

const average = (values: Float64Array, of: (value: number) => number): number =>
  values.reduce((sum, value) => sum + of(value), 0) / values.length;

const noises = ['gaussian_noise', 'shot_noise', 'impulse_noise', 'speckle_noise'] as const;

describe.each(noises)('%s, seeded', (name) => {
  it.each(['32', '64', '224'])("has the reference's mean, deviation and saturation at %s px", (size) => {
    for (const [i, levels] of sizes[size]![name]!.entries()) {
      for (const [level, expected] of Object.entries(levels)) {
        const where = `severity ${i + 1}, level ${level}`;
        const values = seededValues(name, Number(size), i + 1, Number(level));
        const mean = average(values, (value) => value);
        const std = Math.sqrt(average(values, (value) => (value - mean) ** 2));
        const kurtosis = average(values, (value) => (value - mean) ** 4) / std ** 4;
        // Five standard errors of the difference of two samples.
        const errors = 5 * Math.sqrt(1 / samples + 1 / 120_000);
        expect(Math.abs(mean - expected.mean), where).toBeLessThan(errors * std);
        expect(Math.abs(expected.std / std - 1), where).toBeLessThan(errors * Math.sqrt(kurtosis / 4));
        for (const [end, share] of [
          [0, expected.frac0],
          [255, expected.frac255],
        ] as const) {
          const got = average(values, (value) => (value === end ? 1 : 0));
          const spread = Math.sqrt(Math.max(share * (1 - share), 1e-4));
          expect(Math.abs(got - share), where).toBeLessThan(errors * spread);
        }
      }
    }
  });
});
