import { packBits } from '@proj/tensor-io';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addPacked, decodePacked } from './decode-packed.ts';

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
        const sum = new Float64Array(codes.length).fill(0.3);
        addPacked(sum, packed, bits, Float64Array.from(table));
        expect(sum).toEqual(Float64Array.from(expected, (value) => 0.3 + value));
      },
    ),
  );
});
