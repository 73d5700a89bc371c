import type { TensorData } from '@proj/tensor-io';
import type { Change } from './composition.ts';
import { type Floats, finiteValues, product, roundTo } from './floats.ts';

/** What patching did to one tensor; norms are L2 norms in float64. */
export interface TensorChange {
  readonly name: string;
  readonly elements: number;
  /** Elements whose value is another than before: fewer than `elements` where rounding to a narrow dtype ate the change. */
  readonly changed: number;
  readonly baseNorm: number;
  /** ||patched − base||. */
  readonly changeNorm: number;
}

/**
 * The tensor with a change made to it, rounded once to its dtype; where nothing is added the base's bits stay (−0 too).
 *
 * @throws {RwsError} `RWS_NON_FINITE` for a weight that is not finite, `RWS_OUT_OF_RANGE` for a result that the dtype cannot hold.
 */
export function applyChange(base: TensorData, change: Change, name: string): [TensorData, TensorChange] {
  return fastChange(base, change, name) ?? checkedChange(base, change, name);
}

/** No change: only checked and measured. */
export function unchanged(base: TensorData, name: string): TensorChange {
  const values = finiteValues(base, `"${name}"`);
  return { name, elements: values.length, ...distance(values, values) };
}

/** Float32, what nearly all models are, in one pass; undefined for anything else or when something is not finite. */
function fastChange(base: TensorData, change: Change, name: string): [TensorData, TensorChange] | undefined {
  const before = float32View(base);
  if (before === undefined) return undefined;
  const after = new Float32Array(before.length);
  let changed = 0;
  let baseSquares = 0;
  let changeSquares = 0;
  if ('delta' in change) {
    const { delta } = change;
    const least = change.nonNegative ? 0 : Number.NEGATIVE_INFINITY;
    for (let i = 0; i < after.length; i++) {
      const x = before[i]!;
      const y = delta[i] === 0 ? x : Math.fround(Math.max(x + delta[i]!, least));
      const difference = y - x;
      after[i] = y;
      if (difference !== 0) changed++;
      baseSquares += x * x;
      changeSquares += difference * difference;
    }
  } else {
    after.set(change.replacement);
    ({ changed, baseSquares, changeSquares } = squares(before, after));
  }
  if (!Number.isFinite(baseSquares) || !Number.isFinite(changeSquares)) return undefined;
  return [
    { dtype: base.dtype, shape: base.shape, bytes: new Uint8Array(after.buffer) },
    {
      ...{ name, elements: after.length, changed },
      ...{ baseNorm: Math.sqrt(baseSquares), changeNorm: Math.sqrt(changeSquares) },
    },
  ];
}

function checkedChange(base: TensorData, change: Change, name: string): [TensorData, TensorChange] {
  const before = finiteValues(base, `"${name}"`);
  const sums = new Float64Array(before.length);
  if ('delta' in change) {
    const least = change.nonNegative ? 0 : Number.NEGATIVE_INFINITY;
    const { delta } = change;
    for (let i = 0; i < sums.length; i++) {
      sums[i] = delta[i] === 0 ? before[i]! : Math.max(before[i]! + delta[i]!, least);
    }
  } else {
    sums.set(change.replacement);
  }
  const tensor = roundTo(base.dtype, base.shape, sums, `"${name}", patched`);
  const after = finiteValues(tensor, `"${name}", patched`);
  return [tensor, { name, elements: before.length, ...distance(before, after) }];
}

function distance(before: Floats, after: Floats) {
  const { changed, baseSquares, changeSquares } = squares(before, after);
  return { changed, baseNorm: Math.sqrt(baseSquares), changeNorm: Math.sqrt(changeSquares) };
}

function squares(before: Floats, after: Floats) {
  let changed = 0;
  let baseSquares = 0;
  let changeSquares = 0;
  for (let i = 0; i < before.length; i++) {
    const difference = after[i]! - before[i]!;
    if (difference !== 0) changed++;
    baseSquares += before[i]! * before[i]!;
    changeSquares += difference * difference;
  }
  return { changed, baseSquares, changeSquares };
}

/** The values themselves, without a copy; undefined when they are not float32, not aligned or not as many as the shape says. */
export function float32View({ dtype, shape, bytes }: TensorData): Float32Array | undefined {
  const count = product(shape);
  if (dtype !== 'F32' || bytes.byteOffset % 4 !== 0 || bytes.length !== 4 * count) return undefined;
  return new Float32Array(bytes.buffer, bytes.byteOffset, count);
}
