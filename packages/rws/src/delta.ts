import type { StateDict, TensorData } from '@proj/tensor-io';
import { type Floats, finiteValues, product, roundTo } from './floats.ts';
import { norm } from './projection.ts';
import { dequantizeTensor, type Signature } from './signature.ts';

/** A signature and its strength. */
export interface Application {
  readonly signature: Signature;
  /** Any finite number: 1 as extracted, 0 nothing, negative the opposite. */
  readonly alpha: number;
}

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

/** Names of all tensors that the applications cover, sorted by UTF-16 code units. */
export function touchedNames(applied: readonly Application[]): string[] {
  return [...new Set(applied.flatMap(({ signature }) => signature.tensors.map(({ name }) => name)))].sort();
}

/**
 * Σ α·x̂ for one tensor, in float64, in the order given; undefined when no application with α ≠ 0 covers it.
 *
 * Callers pass applications sorted by signature id, so that the sum does not depend on who was added first.
 */
export function deltaOf(applied: readonly Application[], name: string): Float64Array | undefined {
  let sum: Float64Array | undefined;
  for (const { signature, alpha } of applied) {
    const tensor = alpha === 0 ? undefined : signature.tensors.find((candidate) => candidate.name === name);
    if (tensor === undefined) continue;
    const values = dequantizeTensor(signature, tensor);
    sum ??= new Float64Array(product(tensor.shape));
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + alpha * values[i]!;
  }
  return sum;
}

/** base + delta, rounded once to the base's dtype; where delta is 0 the base's bits stay (−0 too). */
export function addDelta(base: TensorData, delta: Float64Array, name: string): TensorData {
  const values = finiteValues(base, `"${name}"`);
  const sums = new Float64Array(values.length);
  for (let i = 0; i < sums.length; i++) sums[i] = delta[i] === 0 ? values[i]! : values[i]! + delta[i]!;
  return roundTo(base.dtype, base.shape, sums, `"${name}", patched`);
}

/** Compares the touched tensors before and after. */
export function changes(base: StateDict, state: StateDict, touched: readonly string[]): TensorChange[] {
  return touched.map((name) => {
    const before = finiteValues(base.get(name)!, `"${name}"`);
    const after = finiteValues(state.get(name)!, `"${name}", patched`);
    return { name, elements: before.length, baseNorm: norm(before), ...distance(before, after) };
  });
}

function distance(before: Floats, after: Floats): { changed: number; changeNorm: number } {
  let changed = 0;
  let squares = 0;
  for (let i = 0; i < before.length; i++) {
    const difference = after[i]! - before[i]!;
    if (difference !== 0) changed++;
    squares += difference * difference;
  }
  return { changed, changeNorm: Math.sqrt(squares) };
}
