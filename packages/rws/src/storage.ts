import { packBits } from '@proj/tensor-io';
import { decodePacked } from './decode-packed.ts';
import { product } from './floats.ts';
import { innerProduct } from './projection.ts';
import {
  bitsOf,
  type CodingQuantizer,
  dequantizationTable,
  type Quantizer,
  quantize,
  type Range,
} from './quantizer.ts';
import { svd } from './svd.ts';

/**
 * Which of a tensor's values are stored, in tensors of at least two dimensions; vectors are always dense.
 *
 * - `dense`: all.
 * - `sparse`: the round(density · n) of largest magnitude, at least one, the first in order among equals; the others count as 0.
 * - `low-rank`: the tensor as a matrix [first dimension, all others], cut to its largest singular values: `rank` of them, or as many
 *   as hold the share `energy` of the sum of squares. Where the factors would have as many values as the tensor, it stays dense.
 */
export type Structure =
  | { readonly kind: 'dense' }
  | { readonly kind: 'sparse'; readonly density: number }
  | { readonly kind: 'low-rank'; readonly rank: number }
  | { readonly kind: 'low-rank'; readonly energy: number };

/** What a structure came to in one tensor. */
export type Form =
  | { readonly kind: 'dense' }
  | { readonly kind: 'sparse'; readonly kept: number }
  | { readonly kind: 'low-rank'; readonly rank: number };

/** Codes as `packBits` packs them, with what gives them their values. */
export interface PackedCodes extends Range {
  readonly packed: Uint8Array;
}

/** One sequence of values: plain float32, or codes of the signature's quantizer. */
export type Stream = { readonly values: Float32Array } | PackedCodes;

/**
 * How one tensor's values are kept. Streams by form, in C order: dense: all values. Sparse: a mask of one bit an element (1: kept), then
 * the kept values. Low-rank: left factor [rows, rank], singular values, right factor [rank, columns].
 */
export interface StoredValues {
  readonly form: Form;
  readonly streams: readonly Stream[];
}

/** What of a tensor decides how its values are coded. */
export interface StoredAs {
  readonly shape: readonly number[];
  readonly role?: string;
  readonly apply: 'add' | 'replace';
}

/**
 * Codes or float32: batch-norm tensors and replacements are few and decide over whole channels, so they stay float32, and so do vectors
 * where signs would be all that is left of them.
 */
export function isCoded(
  { shape, role, apply }: StoredAs,
  quantizer: Quantizer,
): quantizer is CodingQuantizer {
  if (quantizer.scheme === 'none' || apply === 'replace' || role !== undefined) return false;
  return quantizer.scheme !== 'sign' || shape.length >= 2;
}

export function store(
  values: Float32Array,
  tensor: StoredAs,
  structure: Structure,
  quantizer: Quantizer,
  where: string,
): StoredValues {
  const coded = isCoded(tensor, quantizer) ? quantizer : undefined;
  const stream = (part: Float32Array): Stream => {
    if (coded === undefined) return { values: part };
    const { codes, lo, hi, zero } = quantize(part, coded, where);
    return { packed: packBits(codes, bitsOf(coded)), lo, hi, zero };
  };
  const { shape, role, apply } = tensor;
  const whole = shape.length < 2 || role !== undefined || apply === 'replace';
  if (!whole && structure.kind === 'sparse') {
    const kept = Math.max(1, Math.round(structure.density * values.length));
    if (kept < values.length) return sparse(values, kept, stream);
  }
  if (!whole && structure.kind === 'low-rank' && values.length > 0) {
    const factors = lowRank(values, shape, structure);
    if (factors !== undefined) {
      const { rank, left, singular, right } = factors;
      return {
        form: { kind: 'low-rank', rank },
        streams: [stream(left), { values: singular }, stream(right)],
      };
    }
  }
  return { form: { kind: 'dense' }, streams: [stream(values)] };
}

/** The values again, float32 in C order, the same in every engine; the stored array itself where that is what was stored. */
export function restore(
  { form, streams }: StoredValues,
  shape: readonly number[],
  quantizer: Quantizer,
): Float32Array {
  const count = product(shape);
  switch (form.kind) {
    case 'dense':
      return valuesOf(streams[0]!, quantizer, count);
    case 'sparse': {
      const mask = (streams[0] as PackedCodes).packed;
      const kept = valuesOf(streams[1]!, quantizer, form.kept);
      const values = new Float32Array(count);
      for (let i = 0, next = 0; i < count; i++) {
        if ((mask[i >>> 3]! >>> (i & 7)) & 1) values[i] = kept[next++]!;
      }
      return values;
    }
    case 'low-rank': {
      const [rows, columns] = matrixShape(shape);
      const left = valuesOf(streams[0]!, quantizer, rows * form.rank);
      const singular = (streams[1] as { values: Float32Array }).values;
      const right = valuesOf(streams[2]!, quantizer, form.rank * columns);
      return multiplied(left, singular, right, rows, columns);
    }
  }
}

/** [first dimension, product of all others]. */
export function matrixShape(shape: readonly number[]): [rows: number, columns: number] {
  return [shape[0] ?? 1, product(shape.slice(1))];
}

function valuesOf(stream: Stream, quantizer: Quantizer, count: number): Float32Array {
  if ('values' in stream) return stream.values;
  const coding = quantizer as CodingQuantizer;
  return decodePacked(stream.packed, bitsOf(coding), dequantizationTable(coding, stream), count);
}

function sparse(values: Float32Array, kept: number, stream: (part: Float32Array) => Stream): StoredValues {
  const magnitudes = values.map(Math.abs).sort();
  const least = magnitudes[values.length - kept]!;
  let ties = kept;
  for (let i = values.length - 1; i >= 0 && magnitudes[i]! > least; i--) ties--;
  const mask = new Uint8Array(values.length);
  const parts = new Float32Array(kept);
  let next = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude < least || (magnitude === least && ties-- <= 0)) continue;
    mask[i] = 1;
    parts[next++] = values[i]!;
  }
  return {
    form: { kind: 'sparse', kept },
    streams: [{ packed: packBits(mask, 1), lo: 0, hi: 1, zero: false }, stream(parts)],
  };
}

function lowRank(
  values: Float32Array,
  shape: readonly number[],
  wanted: { readonly rank: number } | { readonly energy: number },
) {
  const [rows, columns] = matrixShape(shape);
  const worthwhile = (rank: number) => rank * (rows + columns + 1) < rows * columns;
  if (!worthwhile('rank' in wanted ? wanted.rank : 1)) return undefined;
  const { singular, left, right } = svd(values, rows, columns);
  const rank = 'rank' in wanted ? wanted.rank : rankFor(singular, wanted.energy);
  if (!worthwhile(rank)) return undefined;
  return {
    rank,
    left: Float32Array.from({ length: rows * rank }, (_, at) => left[at % rank]![Math.floor(at / rank)]!),
    singular: Float32Array.from(singular.subarray(0, rank)),
    right: Float32Array.from(
      { length: rank * columns },
      (_, at) => right[Math.floor(at / columns)]![at % columns]!,
    ),
  };
}

/** The least rank, at least 1, whose squared singular values sum to `energy` of all. */
function rankFor(singular: Float64Array, energy: number): number {
  const wanted = energy * innerProduct(singular, singular);
  let sum = 0;
  for (const [i, value] of singular.entries()) {
    sum += value * value;
    if (sum >= wanted) return i + 1;
  }
  return singular.length;
}

/** Σ_r (left[i, r] · singular[r]) · right[r, j], in float64 in order of r, rounded once. */
function multiplied(
  left: Float32Array,
  singular: Float32Array,
  right: Float32Array,
  rows: number,
  columns: number,
): Float32Array {
  const rank = singular.length;
  const values = new Float32Array(rows * columns);
  const row = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = left[i * rank + r]! * singular[r]!;
      for (let j = 0; j < columns; j++) row[j] = row[j]! + factor * right[r * columns + j]!;
    }
    values.set(row, i * columns);
  }
  return values;
}
