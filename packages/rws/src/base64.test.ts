import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64 } from './base64.ts';

describe('base64', () => {
  it('is what Node writes, and is read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const text = toBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64'));
        expect(fromBase64(text)).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it.each(['A', 'AA', 'AAA', 'AA=A', '====', '=', 'AB==', 'AAB=', 'AA A', 'AAA\n', 'AAé', '____', 'A==='])(
    'refuses %j, which atob may let pass',
    (text) => {
      expect(fromBase64(text)).toBeUndefined();
    },
  );
});
