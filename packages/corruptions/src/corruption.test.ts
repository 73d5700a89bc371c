import { expect, it } from 'vitest';
import { constantsSize } from './corruption.ts';

it('an image gets the constants of the nearest of 32, 64 and 224 px, by the ratio of the shorter side', () => {
  const sizes = {
    8: 32,
    28: 32,
    32: 32,
    45: 32,
    46: 64,
    64: 64,
    96: 64,
    119: 64,
    120: 224,
    224: 224,
    1000: 224,
  };
  for (const [side, size] of Object.entries(sizes)) {
    expect(constantsSize({ height: Number(side), width: 2000 }), side).toBe(size);
    expect(constantsSize({ height: 2000, width: Number(side) }), side).toBe(size);
  }
});
