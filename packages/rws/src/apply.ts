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
  if (before === undefined || !('delta' in change) || change.nonNegative) return undefined;
  const { delta } = change;
  const { length } = before;
  const after = new Float32Array(length);
  let same = 0;
  // Two sums each, which do not wait for one another, halve the time.
  let baseEven = 0;
  let baseOdd = 0;
  let changeEven = 0;
  let changeOdd = 0;
  for (let i = 0; i + 1 < length; i += 2) {
    const x = before[i]!;
    const x2 = before[i + 1]!;
    const d = delta[i]!;
    const d2 = delta[i + 1]!;
    const y = d === 0 ? x : Math.fround(x + d);
    const y2 = d2 === 0 ? x2 : Math.fround(x2 + d2);
    const difference = y - x;
    const difference2 = y2 - x2;
    after[i] = y;
    after[i + 1] = y2;
    if (difference === 0) same++;
    if (difference2 === 0) same++;
    baseEven += x * x;
    baseOdd += x2 * x2;
    changeEven += difference * difference;
    changeOdd += difference2 * difference2;
  }
  if (length % 2 === 1) {
    const i = length - 1;
    const x = before[i]!;
    const y = delta[i] === 0 ? x : Math.fround(x + delta[i]!);
    after[i] = y;
    if (y === x) same++;
    baseEven += x * x;
    changeEven += (y - x) ** 2;
  }
  const [baseSquares, changeSquares] = [baseEven + baseOdd, changeEven + changeOdd];
  if (!Number.isFinite(baseSquares) || !Number.isFinite(changeSquares)) return undefined;
  return [
    { dtype: base.dtype, shape: base.shape, bytes: new Uint8Array(after.buffer) },
    {
      ...{ name, elements: length, changed: length - same },
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
  let changed = 0;
  let baseSquares = 0;
  let changeSquares = 0;
  for (let i = 0; i < before.length; i++) {
    const difference = after[i]! - before[i]!;
    if (difference !== 0) changed++;
    baseSquares += before[i]! * before[i]!;
    changeSquares += difference * difference;
  }
  return { changed, baseNorm: Math.sqrt(baseSquares), changeNorm: Math.sqrt(changeSquares) };
}

/** The values themselves, without a copy; undefined when they are not float32, not aligned or not as many as the shape says. */
export function float32View({ dtype, shape, bytes }: TensorData): Float32Array | undefined {
  const count = product(shape);
  if (dtype !== 'F32' || bytes.byteOffset % 4 !== 0 || bytes.length !== 4 * count) return undefined;
  return new Float32Array(bytes.buffer, bytes.byteOffset, count);
}
