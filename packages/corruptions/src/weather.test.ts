import { fixtures } from '@proj/fixtures';
import { random } from '@proj/random';
import { describe, expect, it } from 'vitest';
import { corrupt, corruptToFloat, recordedDraws, seededDraws } from './index.ts';

interface ImageMeans {
  readonly grey128_mean_of_means: number;
  readonly grey128_std_of_means: number;
  readonly reps: number;
}

const { sizes } = fixtures('rws').json<{ sizes: Record<string, Record<string, readonly ImageMeans[]>> }>(
  'noise_stats.json',
);

const grey = (size: number) => ({
  data: new Uint8Array(size * size * 3).fill(128),
  height: size,
  width: size,
  channels: 3,
});

describe.each(['fog', 'snow', 'spatter'] as const)('%s, seeded', (name) => {
  it.each([32, 64])("has the reference's mean over many images of %i px", (size) => {
    for (const [i, expected] of sizes[size]![name]!.entries()) {
      const draws = seededDraws(random(1, name, size, i));
      const means = Array.from({ length: expected.reps }, () => {
        const values = corruptToFloat(grey(size), name, i + 1, draws);
        return values.reduce((sum, value) => sum + value, 0) / values.length;
      });
      const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
      const error = expected.grey128_std_of_means * Math.sqrt(2 / expected.reps);
      expect(Math.abs(mean - expected.grey128_mean_of_means), `severity ${i + 1}`).toBeLessThan(4 * error);
    }
  });
});

describe('fog', () => {
  it('out of draws that leave its map flat only dims the image', () => {
    const values = corruptToFloat(grey(4), 'fog', 1, recordedDraws(new Float64Array(15).fill(0.5)));
    for (const value of values) expect(value).toBeCloseTo((128 * (128 / 255)) / (128 / 255 + 0.2), 9);
  });
});

describe('spatter', () => {
  it('leaves an image alone on which no drop of water falls, where the reference gives black', () => {
    const image = grey(32);
    expect(corrupt(image, 'spatter', 1, recordedDraws(new Float64Array(1024)))).toEqual(image.data);
  });
});
