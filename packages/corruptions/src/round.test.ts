import { expect, it } from 'vitest';
import { roundHalfEven } from './round.ts';

it('rounds to the nearest integer, and halves to the even one', () => {
  expect([-1.5, -0.5, 0.5, 1.5, 2.5, 2.4, 2.6, -2.6].map(roundHalfEven)).toEqual([-2, 0, 0, 2, 2, 2, 3, -3]);
});
