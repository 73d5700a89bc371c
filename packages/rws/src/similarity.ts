import type { StateDict } from '@proj/tensor-io';
import { RwsError } from './error.ts';
import { finiteValues, isFloat } from './floats.ts';
import { difference, innerProduct, norm } from './projection.ts';
import { dequantizeTensor, type Signature, signatureLabel } from './signature.ts';

/** Cosines from -1 to 1; null where one side is zero and has no direction. */
export interface Similarity {
  readonly perTensor: ReadonlyMap<string, number | null>;
  /** Of the concatenation of all tensors. */
  readonly global: number | null;
}

/**
 * cos = <u, v> / (||u||·||v||) of two signatures as they would be applied (dequantized), in float64.
 *
 * @throws {RwsError} `RWS_SIGNATURES_DIFFER` when they do not cover the same tensors with the same shapes.
 */
export function cosineSimilarity(a: Signature, b: Signature): Similarity {
  const others = new Map(b.tensors.map((tensor) => [tensor.name, tensor]));
  const lacking = a.tensors.filter(({ name, shape }) => others.get(name)?.shape.join() !== shape.join());
  if (lacking.length > 0 || a.tensors.length !== b.tensors.length) {
    const names = lacking.map(({ name }) => `"${name}"`).join(', ') || 'none of the first';
    throw new RwsError(
      'RWS_SIGNATURES_DIFFER',
      `${signatureLabel(a)} covers ${a.tensors.length} tensors, ${signatureLabel(b)} ${b.tensors.length}; not in both with one shape: ${names}. Compare signatures of the same units.`,
    );
  }
  const perTensor = new Map<string, number | null>();
  const total = { inner: 0, a: 0, b: 0 };
  for (const tensor of a.tensors) {
    const u = dequantizeTensor(a, tensor);
    const v = dequantizeTensor(b, others.get(tensor.name)!);
    const [inner, uu, vv] = [innerProduct(u, v), innerProduct(u, u), innerProduct(v, v)];
    perTensor.set(tensor.name, ratio(inner, Math.sqrt(uu) * Math.sqrt(vv)));
    total.inner += inner;
    total.a += uu;
    total.b += vv;
  }
  return { perTensor, global: ratio(total.inner, Math.sqrt(total.a) * Math.sqrt(total.b)) };
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

function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}
