import { describe, expect, it } from 'vitest';
import { golden } from '../test/golden-swin.ts';
import type { WindowSpec } from './swin-layers.ts';
import { mergeOrder, relativePositions, shiftMask, windowOrder } from './windows.ts';

const window = (side: number, size: number, shift: number): WindowSpec => ({
  side,
  size,
  shift,
  bias: 'bias',
});

describe('windows', () => {
  it('are cut row by row from the map, its tokens row by row within each', () => {
    expect([...windowOrder(window(4, 2, 0))]).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
  });

  it('that are shifted begin that many rows down and columns right, and take the rest from the other side', () => {
    expect([...windowOrder(window(4, 2, 1))]).toEqual([5, 6, 9, 10, 7, 4, 11, 8, 13, 14, 1, 2, 15, 12, 3, 0]);
  });

  it('hold every token once', () => {
    for (const spec of [
      window(8, 4, 2),
      window(56, 7, 3),
      window(14, 7, 3),
      window(6, 3, 1),
      window(7, 7, 0),
    ]) {
      const tokens = Array.from({ length: spec.side ** 2 }, (_, i) => i);
      expect([...windowOrder(spec)].sort((a, b) => a - b)).toEqual(tokens);
    }
  });

  it('have -100 between tokens that are further apart in the map than in the window, and 0 between all others', () => {
    for (const spec of [window(8, 4, 2), window(14, 7, 3), window(6, 3, 1), window(8, 4, 0)]) {
      const { side, size } = spec;
      const tokens = size ** 2;
      const order = windowOrder(spec);
      const mask = shiftMask(spec);
      expect(mask).toHaveLength(order.length * tokens);
      for (let query = 0; query < order.length; query++) {
        for (let key = 0; key < tokens; key++) {
          const [from, to] = [order[query]!, order[query - (query % tokens) + key]!];
          const rows = Math.abs(Math.floor(from / side) - Math.floor(to / side));
          const columns = Math.abs((from % side) - (to % side));
          const expected = rows < size && columns < size ? 0 : -100;
          expect(mask[query * tokens + key], `${query}, ${key}`).toBe(expected);
        }
      }
    }
  });

  it("number relative positions as torchvision's buffer does", () => {
    expect([...relativePositions(7)]).toEqual(golden.swin_t.relativePositionIndex);
  });

  it('are joined two by two: top left, bottom left, top right, bottom right', () => {
    expect([...mergeOrder(4)]).toEqual([0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15]);
  });
});
