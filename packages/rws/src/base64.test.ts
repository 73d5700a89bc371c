import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, portableFromBase64, portableToBase64, toBase64 } from './base64.ts';

describe.each([
  ['with what the platform has', toBase64, fromBase64],
  ['without', portableToBase64, portableFromBase64],
] as const)('base64 %s', (_, encode, decode) => {
  it('is what Node writes, and is read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const text = encode(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64'));
        expect(decode(text)).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it.each(['A', 'AA', 'AAA', 'AA=A', '====', '=', 'AB==', 'AAB=', 'AA A', 'AAA\n', 'AAé', '____', 'A==='])(
    'refuses %j, which atob may let pass',
    (text) => {
      expect(decode(text)).toBeUndefined();
    },
  );
});
