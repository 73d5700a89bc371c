import type { StateDict } from '@proj/tensor-io';
import { RwsError } from './error.ts';
import { type Floats, finiteValues, isFloat, ratio } from './floats.ts';
import { difference, innerProduct, norm } from './projection.ts';

/** How one tensor differs from another. */
export interface Difference {
  /** ||other − first||₂ / ||first||₂; null where the first is zero. */
  readonly relativeDifference: number | null;
  /** <first, other> / (||first||·||other||); null where either is zero. */
  readonly cosine: number | null;
}

export interface Comparison {
  /** Float tensors that both have with one shape, in the first one's order. */
  readonly perTensor: ReadonlyMap<string, Difference>;
  /** Of their concatenation. */
  readonly global: Difference;
  /** What is not compared, and why; no tensor of either is missing from both this and `perTensor`. */
  readonly left: readonly {
    readonly name: string;
    readonly reason: 'only in first' | 'only in second' | 'shape' | 'dtype';
  }[];
}

/**
 * Compares two checkpoints, or two signatures that were dequantized, tensor by tensor in float64.
 *
 * @throws {RwsError} `RWS_NON_FINITE`.
 */
export function compareStates(first: StateDict, second: StateDict): Comparison {
  const perTensor = new Map<string, Difference>();
  const left: Comparison['left'][number][] = [];
  const total = { change: 0, first: 0, second: 0, inner: 0 };
  for (const [name, tensor] of first) {
    const other = second.get(name);
    if (other === undefined) left.push({ name, reason: 'only in first' });
    else if (other.shape.join() !== tensor.shape.join()) left.push({ name, reason: 'shape' });
    else if (!isFloat(tensor.dtype) || !isFloat(other.dtype)) left.push({ name, reason: 'dtype' });
    else {
      const u = finiteValues(tensor, `"${name}"`);
      const v = finiteValues(other, `"${name}" of the second`);
      const sums = sumsOf(u, v);
      perTensor.set(name, differenceOf(sums));
      total.change += sums.change;
      total.first += sums.first;
      total.second += sums.second;
      total.inner += sums.inner;
    }
  }
  for (const name of second.keys()) if (!first.has(name)) left.push({ name, reason: 'only in second' });
  return { perTensor, global: differenceOf(total), left };
}

type Sums = Readonly<Record<'change' | 'first' | 'second' | 'inner', number>>;

function sumsOf(u: Floats, v: Floats): Sums {
  const change = difference(v, u);
  return {
    change: innerProduct(change, change),
    first: innerProduct(u, u),
    second: innerProduct(v, v),
    inner: innerProduct(u, v),
  };
}

function differenceOf({ change, first, second, inner }: Sums): Difference {
  return {
    relativeDifference: ratio(Math.sqrt(change), Math.sqrt(first)),
    cosine: ratio(inner, Math.sqrt(first) * Math.sqrt(second)),
  };
}

/**
 * ||other − standard||₂ / ||standard||₂ for each float tensor of `standard`, in its order: where fine-tuning moved the
 * weights. Null for a zero tensor. `other` may hold more tensors.
 *
 * @throws {RwsError} `RWS_STATES_DIFFER` when `other` lacks a tensor or has it in another shape or as integers; `RWS_NON_FINITE`.
 */
export function relativeDifferences(standard: StateDict, other: StateDict): Map<string, number | null> {
  const floats = [...standard].filter(([, tensor]) => isFloat(tensor.dtype));
  const unfit = floats.filter(([name, { shape }]) => {
    const tensor = other.get(name);
    return tensor === undefined || !isFloat(tensor.dtype) || tensor.shape.join() !== shape.join();
  });
  if (unfit.length > 0) {
    throw new RwsError(
      'RWS_STATES_DIFFER',
      `the second checkpoint lacks these tensors, or has them in another shape or as integers: ${unfit.map(([name]) => `"${name}"`).join(', ')}.`,
    );
  }
  return new Map(
    floats.map(([name, tensor]) => {
      const values = finiteValues(tensor, `"${name}"`);
      const others = finiteValues(other.get(name)!, `"${name}" of the second checkpoint`);
      return [name, ratio(norm(difference(others, values)), norm(values))];
    }),
  );
}
