import { describe, expect, it } from 'vitest';
import { plainAttentionCost, qkrAttentionCost } from './cost.ts';

const deitTiny = { tokens: 198, width: 192, heads: 3 };
const deitSmall = { tokens: 198, width: 384, heads: 6 };
const swinTinyStage4 = { tokens: 49, width: 768, heads: 24 };

describe('the cost of QKR', () => {
  it.each([
    ['DeiT-Tiny', deitTiny, 22.1, 44.5],
    ['DeiT-Small', deitSmall, 73.4, 265.5],
  ])('has the multiplications for scores that the paper’s models have: %s', (_, sizes, plain, qkr) => {
    expect(plainAttentionCost(sizes, 2).scoreMacs / 1e6).toBeCloseTo(plain, 1);
    expect(qkrAttentionCost(sizes, 2).scoreMacs / 1e6).toBeCloseTo(qkr, 1);
  });

  it.each([
    ['DeiT-Tiny', deitTiny, 1.5],
    ['DeiT-Small', deitSmall, 3],
    ['Swin-Tiny, stage 4', swinTinyStage4, 12],
  ])('is heads / 2 times the bytes for the scores’ weights: %s', (_, sizes, factor) => {
    const [plain, qkr] = [plainAttentionCost(sizes, 2), qkrAttentionCost(sizes, 2)];
    expect(qkr.scoreWeightBytes / plain.scoreWeightBytes).toBeCloseTo(factor, 10);
  });

  it('is counted by hand where it is small', () => {
    // N = 2, C = 4, H = 2, 3 bits: rows of 4 weights.
    const sizes = { tokens: 2, width: 4, heads: 2 };
    const rest = 2 * 2 * 16 + 4 * 4;
    expect(plainAttentionCost(sizes, 3)).toEqual({
      scoreMacs: 64 + 16,
      macs: 64 + 16 + rest,
      mergeMacs: 0,
      scoreWeightBytes: (8 * 4 * 3) / 8 + 8 * 4,
      latentBytes: 2 * 16 * 4,
      queryKeyBytes: 2 * 8 * 4,
    });
    expect(qkrAttentionCost(sizes, 3)).toEqual({
      scoreMacs: 64 + 32,
      macs: 64 + 32 + rest,
      mergeMacs: 64,
      scoreWeightBytes: (8 * 4 * 3) / 8 + 8 * 4,
      latentBytes: 4 * 16 * 4,
      queryKeyBytes: 2 * 8 * 4,
    });
  });

  it('is refused for sizes and bits that are none', () => {
    expect(() => plainAttentionCost({ ...deitTiny, heads: 5 }, 2)).toThrow('a multiple of heads');
    expect(() => qkrAttentionCost({ ...deitTiny, tokens: 0.5 }, 2)).toThrow('tokens = 0.5');
    expect(() => qkrAttentionCost(deitTiny, 0)).toThrow('bits must be 2, 3, 4 or 8, got 0.');
  });
});
