import { type StateDict, type TensorData, tensorData, unpackBits } from '@proj/tensor-io';
import { product } from './floats.ts';
import { canonicalJson } from './json.ts';
import { bitsOf, codeCount, type Quantizer } from './quantizer.ts';
import { encodeRans } from './rans.ts';
import type { SignatureContent } from './signature.ts';
import { type Form, isCoded, matrixShape, type PackedCodes, type StoredAs } from './storage.ts';

export const signatureFormat = 'rws/2';
/** The keys in safetensors' `__metadata__`. */
export const signatureKey = 'rws';
export const idKey = 'rws-id';

/** Names in the file. Others have a prefix that ends with a dot, so no parameter can be called like these tables. */
export const scalesEntry = 'scales';
export const hashesEntry = 'hashes';
export const statisticsEntry = 'statistics';

/** One stream of a tensor's values in the file. */
export interface StreamLayout {
  /** e.g. `codes.features.0.weight`. */
  readonly entry: string;
  readonly shape: readonly number[];
  /** Bits a code and how many codes there are, given whether one stands for zero; undefined for float32 values. */
  readonly coding: { readonly bits: number; readonly symbols: (zero: boolean) => number } | undefined;
  /** Whether the stream has a row in the table of scales. */
  readonly scaled: boolean;
}

/** The streams of one tensor, in the order in which `StoredValues` has them. */
export function streamLayouts(
  tensor: StoredAs & { readonly name: string },
  form: Form,
  quantizer: Quantizer,
): StreamLayout[] {
  const { name, shape } = tensor;
  const plain = (kind: string, size: readonly number[]): StreamLayout => ({
    ...{ entry: `${kind}.${name}`, shape: size, coding: undefined, scaled: false },
  });
  const stream = (prefix: string, size: readonly number[]): StreamLayout => {
    if (!isCoded(tensor, quantizer)) return plain(`${prefix}values`, size);
    const coding = { bits: bitsOf(quantizer), symbols: (zero: boolean) => codeCount(quantizer, zero) };
    return { entry: `${prefix}codes.${name}`, shape: size, coding, scaled: true };
  };
  switch (form.kind) {
    case 'dense':
      return [stream('', shape)];
    case 'sparse':
      return [
        { entry: `mask.${name}`, shape, coding: { bits: 1, symbols: () => 2 }, scaled: false },
        stream('', [form.kept]),
      ];
    case 'low-rank': {
      const [rows, columns] = matrixShape(shape);
      return [
        stream('left-', [rows, form.rank]),
        plain('singular', [form.rank]),
        stream('right-', [form.rank, columns]),
      ];
    }
  }
}

/** The name of a stream of codes that is entropy-coded. */
export const ransEntry = (entry: string): string => `rans-${entry}`;

/** Columns of the table of scales: lo, hi and, with `log`, whether a code stands for zero. */
export const scaleColumns = (quantizer: Quantizer): number => (quantizer.scheme === 'log' ? 3 : 2);

/** The tensors of a signature without entropy coding, of which its id is made. */
export function signatureState(content: SignatureContent): StateDict {
  return stateOf(content, ({ entry }, { packed }) => [entry, packed]);
}

/** The tensors of a signature's file: each stream of codes packed, or entropy-coded where that is shorter. */
export function signatureFileState(content: SignatureContent): StateDict {
  return stateOf(content, ({ entry, shape, coding }, { packed, zero }) => {
    const count = product(shape);
    if (count === 0) return [entry, packed];
    const coded = encodeRans(unpackBits(packed, coding!.bits, count), coding!.symbols(zero));
    return coded.length < packed.length ? [ransEntry(entry), coded] : [entry, packed];
  });
}

function stateOf(
  { tensors, quantizer }: SignatureContent,
  entryOf: (layout: StreamLayout, stream: PackedCodes) => [name: string, bytes: Uint8Array],
): StateDict {
  const state = new Map<string, TensorData>();
  const scales: number[] = [];
  for (const tensor of tensors) {
    for (const [i, layout] of streamLayouts(tensor, tensor.stored.form, quantizer).entries()) {
      const stream = tensor.stored.streams[i]!;
      if ('values' in stream) {
        state.set(layout.entry, tensorData('F32', layout.shape, stream.values));
        continue;
      }
      const [name, bytes] = entryOf(layout, stream);
      state.set(name, { dtype: 'U8', shape: [bytes.length], bytes });
      if (layout.scaled)
        scales.push(...[stream.lo, stream.hi, Number(stream.zero)].slice(0, scaleColumns(quantizer)));
    }
  }
  const columns = scaleColumns(quantizer);
  if (scales.length > 0)
    state.set(scalesEntry, tensorData('F32', [scales.length / columns, columns], scales));
  state.set(hashesEntry, hashTable(tensors));
  const statistics = tensors.flatMap(({ norm, p, directionNorm }) => [norm, p ?? 0, directionNorm ?? 0]);
  state.set(statisticsEntry, tensorData('F64', [tensors.length, 3], statistics));
  return state;
}

/** U8 [tensors, 3, 32]: SHA-256 of every tensor in the initial (zeros without one), standard and robust model. */
function hashTable(tensors: SignatureContent['tensors']): TensorData {
  const bytes = new Uint8Array(96 * tensors.length);
  for (const [i, { init, standard, robust }] of tensors.entries()) {
    for (const [j, hex] of [init ?? '', standard, robust].entries()) {
      for (let at = 0; at < hex.length; at += 2) {
        bytes[96 * i + 32 * j + at / 2] = Number.parseInt(hex.slice(at, at + 2), 16);
      }
    }
  }
  return { dtype: 'U8', shape: [tensors.length, 3, 32], bytes };
}

/** The metadata of a signature's file: canonical JSON. */
export function signatureText(content: SignatureContent): string {
  const { about, batchNorm, fingerprints, k, model, projection, quantizer, structure, tensors, units } =
    content;
  return canonicalJson({
    format: signatureFormat,
    ...{ about, batchNorm, fingerprints, k, units, model, projection, quantizer, structure },
    tensors: tensors.map(({ name, shape, unit, role, stored: { form } }) => ({
      ...{ name, shape, unit, role },
      ...(form.kind === 'sparse' && { kept: form.kept }),
      ...(form.kind === 'low-rank' && { rank: form.rank }),
    })),
  });
}
