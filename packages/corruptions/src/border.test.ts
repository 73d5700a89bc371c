import { expect, it } from 'vitest';
import { nearest, reflect, reflect101 } from './border.ts';

it.each([
  [nearest, 'aaaaaabcddddddd'],
  [reflect, 'dcbaabcddcbaabc'.slice(0)],
  [reflect101, 'cdcbabcdcbabcdc'.slice(0)],
])('%o continues abcd as %s', (border, expected) => {
  const start = expected.indexOf('abcd', 3);
  const got = Array.from({ length: expected.length }, (_, i) => 'abcd'[border(i - start, 4)]).join('');
  expect(got).toBe(expected);
});

it('one pixel is its own mirror image', () => {
  for (const index of [-2, -1, 0, 1, 2]) {
    expect(reflect(index, 1)).toBe(0);
    expect(reflect101(index, 1)).toBe(0);
  }
});
