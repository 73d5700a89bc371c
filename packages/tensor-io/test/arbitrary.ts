import fc from 'fast-check';
import { byteCount, DTYPES } from '../src/dtype.ts';
import type { StateDict, TensorData } from '../src/state.ts';

/** Names and texts of any characters. */
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const arbitraryTensor: fc.Arbitrary<TensorData> = fc
  .tuple(fc.constantFrom(...DTYPES), fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }))
  .chain(([dtype, shape]) => {
    const length = byteCount(dtype, shape, '');
    return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => ({ dtype, shape, bytes }));
  });
/** State dicts of a few small tensors with any bytes. */
export const arbitraryState: fc.Arbitrary<StateDict> = fc
  .array(fc.tuple(text, arbitraryTensor), { maxLength: 6 })
  .map((pairs) => new Map(pairs));
/** Metadata of a few texts. */
export const arbitraryMetadata = fc
  .array(fc.tuple(text, text), { maxLength: 3 })
  .map((pairs) => new Map(pairs));
