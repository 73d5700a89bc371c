import { type DType, type StateDict, type TensorData, tensorData } from '@proj/tensor-io';
import fc from 'fast-check';
import { extract, type Signature } from '../src/index.ts';

/** Three checkpoints of one architecture, its units, and further tensors that no unit names. */
export interface Checkpoints {
  readonly init: StateDict;
  readonly standard: StateDict;
  readonly robust: readonly StateDict[];
  readonly units: readonly (readonly string[])[];
}

const hostileNames = [
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '',
  'a\nb"\\',
  '\u{1f600}',
  'scales',
  'codes.x',
];
const name = fc.oneof(
  fc.constantFrom(...hostileNames),
  fc.stringMatching(/^[a-z]{1,4}(\.[a-z0-9]{1,4}){0,2}$/),
);
const dtype = fc.constantFrom<DType>('F64', 'F32', 'F16', 'BF16');
const shape = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 });

function tensor(type: DType, size: readonly number[], scale: number): fc.Arbitrary<TensorData> {
  const length = size.reduce((count, n) => count * n, 1);
  return fc
    .array(fc.double({ min: -scale, max: scale, noNaN: true }), { minLength: length, maxLength: length })
    .map((values) => tensorData(type, size, values));
}

/** `count` robust checkpoints; `type` fixes the dtype of all tensors. */
export function checkpoints(count: number, type: fc.Arbitrary<DType> = dtype): fc.Arbitrary<Checkpoints> {
  const described = fc.record({ name, type, shape, unit: fc.integer({ min: 0, max: 2 }) });
  return fc
    .uniqueArray(described, { minLength: 1, maxLength: 5, selector: (entry) => entry.name })
    .chain((entries) => {
      const state = fc
        .tuple(...entries.map((entry) => tensor(entry.type, entry.shape, 2)))
        .map((tensors): StateDict => new Map(entries.map((entry, i) => [entry.name, tensors[i]!])));
      const units = [0, 1, 2]
        .map((unit) => entries.filter((entry) => entry.unit === unit).map((entry) => entry.name))
        .filter((names) => names.length > 0);
      const outside = new Map([['outside the units', tensorData('I64', [2], [1, -1])]]);
      return fc
        .record({
          init: state,
          standard: state,
          robust: fc.array(state, { minLength: count, maxLength: count }),
        })
        .map(({ init, standard, robust }) => ({
          init,
          standard: new Map([...standard, ...outside]),
          robust,
          units,
        }));
    });
}

/** Signatures of every robust checkpoint; the case is discarded when one has nothing in it or two are the same. */
export async function signaturesOf(
  { init, standard, robust, units }: Checkpoints,
  bits: number,
  k: number,
): Promise<Signature[]> {
  const signatures: Signature[] = [];
  for (const one of robust) {
    const extraction = await extract({
      init,
      standard,
      robust: one,
      units,
      k: Math.min(k, units.length),
      bits,
    }).catch((error: { code?: string }) => {
      if (error.code === 'RWS_NOTHING_TO_EXTRACT') return undefined;
      throw error;
    });
    fc.pre(extraction !== undefined);
    signatures.push(extraction.signature);
  }
  fc.pre(new Set(signatures.map(({ id }) => id)).size === signatures.length);
  return signatures;
}

export const bits = fc.constantFrom(2, 3, 4, 5, 6, 7, 8, 32);
export const alpha = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.5, 1.5),
  fc.double({ min: -3, max: 3, noNaN: true }),
);
