import { packBits } from '@proj/tensor-io';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodePacked } from './decode-packed.ts';

it('packed codes of every width and count are looked up in their order', () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 8 })
        .chain((bits) =>
          fc.tuple(
            fc.constant(bits),
            fc.array(fc.integer({ min: 0, max: 2 ** bits - 1 }), { maxLength: 40 }),
          ),
        ),
      ([bits, codes]) => {
        const table = Float32Array.from({ length: 2 ** bits }, (_, code) => 0.1 * code - 1);
        const packed = packBits(Uint8Array.from(codes), bits);
        const expected = Float32Array.from(codes, (code) => 0.1 * code - 1);
        expect(decodePacked(packed, bits, table, codes.length)).toEqual(expected);
      },
    ),
  );
});
