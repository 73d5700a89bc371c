import { describe, expect, it } from 'vitest';
import { toFloat16 } from './float16.ts';
import { tensorData, toFloat32 } from './tensor.ts';

describe('a state in F16', () => {
  it('has the nearest numbers in half the bytes, and other types as they were', () => {
    const codes = tensorData('U8', [2], [3, 255]);
    const state = new Map([
      ['w', tensorData('F32', [2, 2], [1, -0.1, 2049, 65504])],
      ['codes', codes],
    ]);
    const narrow = toFloat16(state);
    expect([...narrow.keys()]).toEqual(['w', 'codes']);
    expect(narrow.get('w')).toMatchObject({ dtype: 'F16', shape: [2, 2] });
    expect(narrow.get('w')!.bytes).toHaveLength(8);
    expect([...toFloat32(narrow.get('w')!)]).toEqual([1, -0.0999755859375, 2048, 65504]);
    expect(narrow.get('codes')).toBe(codes);
  });

  it('is refused where a number would become infinite', () => {
    const state = new Map([['w', tensorData('F32', [1], [65520])]]);
    expect(() => toFloat16(state)).toThrow(expect.objectContaining({ code: 'TIO_BAD_VALUE' }));
  });
});
