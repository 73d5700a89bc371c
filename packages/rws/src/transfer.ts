import { type StateDict, tensorSha256 } from '@proj/tensor-io';
import type { Mismatch } from './error.ts';
import { misfitsOf } from './fit.ts';
import { type Floats, finiteValues } from './floats.ts';
import { difference, innerProduct, norm } from './projection.ts';
import { dequantizeTensor, type Signature } from './signature.ts';

/** How one tensor of a signature meets a model that it was not extracted from. */
export interface TensorTransfer {
  readonly name: string;
  /** Bit for bit the tensor that the signature was extracted with. */
  readonly same: boolean;
  /** ||model − standard|| / ||standard||, where the standard model is at hand; null without it or for a zero tensor. */
  readonly distance: number | null;
  /** ||RWS|| / ||model's tensor||: how large the patch is here; null for a zero tensor. */
  readonly size: number | null;
  /**
   * Cosine of RWS and b' = model − init, the direction of the model's own fine-tuning, where the initial model is at hand. Near 0 is to be
   * expected: RWS is orthogonal to the b that it was extracted with. Far below 0 the patch takes back what the model has learned.
   */
  readonly alongOwn: number | null;
  /**
   * Cosine of b' and b = standard − init, where both are at hand: whether the two models went the same way. Near 1 the signature is orthogonal
   * to b' as well.
   */
  readonly sameWay: number | null;
}

export interface TransferReport {
  /** Nothing hinders `patch` with `allowTransfer`. */
  readonly fits: boolean;
  /** What hinders it. */
  readonly misfits: readonly Mismatch[];
  /** The tensors that fit, in the signature's order. */
  readonly tensors: readonly TensorTransfer[];
  /** How many of them are the same. */
  readonly same: number;
  /** Tensors of the model that the signature leaves alone, e.g. a head with another number of classes. */
  readonly untouched: readonly string[];
  /** As for single tensors, over all that fit and are added to. */
  readonly distance: number | null;
  readonly alongOwn: number | null;
}

/**
 * Compares a model with the one that a signature was extracted from, before it is applied to it: which tensors are the same, which differ and
 * by how much, and how the patch lies to what the model has learned itself. Nothing is patched. `init` and `standard` of the extraction
 * make the report fuller; tensors that they lack, or have in another shape, count as not at hand.
 *
 * @throws {RwsError} `RWS_NON_FINITE` for weights that are not finite.
 */
export async function transferReport(
  signature: Signature,
  model: StateDict,
  known: { readonly init?: StateDict; readonly standard?: StateDict } = {},
): Promise<TransferReport> {
  const misfits = misfitsOf(signature, model);
  const unfit = new Set(misfits.map(({ tensor }) => tensor));
  const totals = { distance: 0, standard: 0, along: 0, own: 0, rws: 0 };
  let [distances, directions] = [false, false];
  const tensors: TensorTransfer[] = [];
  for (const tensor of signature.tensors) {
    const { name, shape } = tensor;
    if (unfit.has(name)) continue;
    const data = model.get(name)!;
    const values = finiteValues(data, `"${name}"`);
    const standard = valuesLike(known.standard, name, shape, 'standard');
    const init = valuesLike(known.init, name, shape, 'init');
    const rws = tensor.apply === 'add' ? dequantizeTensor(signature, tensor) : undefined;
    const own = init && difference(values, init);
    const moved = standard && difference(values, standard);
    const source = standard && init && difference(standard, init);
    if (moved !== undefined) {
      distances = true;
      totals.distance += innerProduct(moved, moved);
      totals.standard += innerProduct(standard!, standard!);
    }
    if (own !== undefined && rws !== undefined) {
      directions = true;
      totals.along += innerProduct(rws, own);
      totals.own += innerProduct(own, own);
      totals.rws += innerProduct(rws, rws);
    }
    tensors.push({
      name,
      same: (await tensorSha256(data)) === tensor.standard,
      distance: moved === undefined ? null : ratio(norm(moved), norm(standard!)),
      size: rws === undefined ? null : ratio(norm(rws), norm(values)),
      alongOwn: own === undefined || rws === undefined ? null : cosine(rws, own),
      sameWay: own === undefined || source === undefined ? null : cosine(source, own),
    });
  }
  const covered = new Set(signature.tensors.map(({ name }) => name));
  return {
    ...{ fits: misfits.length === 0, misfits, tensors },
    same: tensors.filter(({ same }) => same).length,
    untouched: [...model.keys()].filter((name) => !covered.has(name)),
    distance: distances ? ratio(Math.sqrt(totals.distance), Math.sqrt(totals.standard)) : null,
    alongOwn: directions ? ratio(totals.along, Math.sqrt(totals.rws) * Math.sqrt(totals.own)) : null,
  };
}

function valuesLike(
  state: StateDict | undefined,
  name: string,
  shape: readonly number[],
  which: string,
): Floats | undefined {
  const tensor = state?.get(name);
  if (tensor === undefined || tensor.shape.join() !== shape.join()) return undefined;
  return finiteValues(tensor, `${which} "${name}"`);
}

const cosine = (u: Floats, v: Floats) => ratio(innerProduct(u, v), norm(u) * norm(v));

function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}
