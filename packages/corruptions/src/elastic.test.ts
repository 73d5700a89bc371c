import { expect, it } from 'vitest';
import { corruptToFloat, recordedDraws } from './index.ts';

const image = { data: Uint8Array.from({ length: 108 }, (_, i) => 2 * i), height: 6, width: 6, channels: 3 };

it('elastic_transform without jitter and displacement leaves the image alone', () => {
  const draws = recordedDraws(new Float64Array(6 + 2 * 36).fill(0.5));
  const values = corruptToFloat(image, 'elastic_transform', 1, draws);
  for (const [i, value] of values.entries()) expect(Math.abs(value - image.data[i]!)).toBeLessThan(1e-4);
});

it('elastic_transform whose jitter flattens the square has no way back: every pixel comes from the first', () => {
  // The jitter of 2.56 px takes the corners at y = 5 and y = 1 to the same y.
  const u = (shift: number) => (shift + 2.56) / 5.12;
  const corners = [0, -2, 0, 2, 0, 2].map(u);
  const draws = recordedDraws([...corners, ...new Float64Array(2 * 36)]);
  const values = corruptToFloat(image, 'elastic_transform', 1, draws);
  for (const [i, value] of values.entries()) expect(Math.abs(value - image.data[i % 3]!)).toBeLessThan(1e-4);
});
