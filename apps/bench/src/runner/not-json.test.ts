import { describe, expect, it } from 'vitest';
import { notJson } from './not-json.ts';

const cyclic: { self?: unknown } = {};
cyclic.self = { again: cyclic };
const shared = { a: 1 };

describe('what is not JSON', () => {
  it('is nothing in what JSON gives back as it was', () => {
    for (const value of [null, 0, '', false, [], {}, { a: [1, { b: null }] }, [shared, shared]])
      expect(notJson(value)).toBeUndefined();
    expect(notJson(JSON.parse('{"__proto__":{"a":1}}'))).toBeUndefined();
  });

  it.each([
    [undefined, 'it is undefined'],
    [{ a: undefined }, '.a is undefined'],
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is refused.
    [[, 1], '[0] is undefined'],
    [{ losses: [1, Number.NaN] }, '.losses[1] is NaN'],
    [{ a: Number.POSITIVE_INFINITY }, '.a is Infinity'],
    [1n, 'it is a bigint'],
    [{ f() {} }, '.f is a function'],
    [{ w: new Float32Array(2) }, '.w is a Float32Array'],
    [new Map([[1, 2]]), 'it is a Map'],
    [{ at: new Date(0) }, '.at is a Date'],
    [cyclic, '.self.again is what holds it'],
  ])('is found with its place: %#', (value, fault) => {
    expect(notJson(value)).toBe(fault);
  });
});
