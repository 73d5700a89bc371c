import type { StateDict } from '@proj/tensor-io';
import { type Application, addDelta, changes, deltaOf, type TensorChange, touchedNames } from './delta.ts';
import { RwsError } from './error.ts';
import { checkFit } from './fit.ts';
import { sameButAbout, signatureLabel } from './signature.ts';

export interface AppliedSignature extends Application {
  /** The model is not the one that the signature was extracted from (`allowTransfer`). */
  readonly transferred: boolean;
}

/** Everything that patching did. */
export interface PatchReport {
  /** One entry per touched tensor, sorted by name. */
  readonly tensors: readonly TensorChange[];
  /** Sums over the touched tensors. */
  readonly elements: number;
  readonly changed: number;
  /** ||patched − base||₂ and ||base||₂ over the touched tensors. */
  readonly changeNorm: number;
  readonly baseNorm: number;
}

/** A model with signatures on it. Immutable: `patch`, `scale` and `unpatch` return another one. */
export interface PatchedModel {
  /** The model as it was handed over; its tensors are never written to. */
  readonly base: StateDict;
  /** Sorted by signature id. */
  readonly applied: readonly AppliedSignature[];
  /** The patched weights; tensors that no signature changes are the base's own objects. */
  readonly state: StateDict;
  readonly report: PatchReport;
  /** `tensorSha256` of the base's touched tensors. */
  readonly fingerprints: ReadonlyMap<string, string>;
}

export interface PatchOptions {
  /** Apply to a model of the same architecture that was trained otherwise; names and shapes must still fit. */
  readonly allowTransfer?: boolean;
}

/**
 * Adds signatures to a model, or further ones to a patched model: θ = base + Σ α·RWS.
 *
 * The sum is taken in float64 in order of signature ids and rounded once to the tensor's dtype, so the same set gives
 * the same bits in whatever order it came about. All signatures are verified before anything is computed.
 *
 * @throws {SignatureMismatchError} `RWS_SIGNATURE_MISMATCH`, listing every tensor that does not fit.
 * @throws {RwsError} `RWS_OPTION_INVALID` for an α that is not finite, `RWS_ALREADY_APPLIED` also under another
 * description (`withAbout`), `RWS_NON_FINITE`,
 * `RWS_OUT_OF_RANGE` when the sum does not fit the dtype.
 */
export async function patch(
  model: StateDict | PatchedModel,
  applications: readonly Application[],
  { allowTransfer = false }: PatchOptions = {},
): Promise<PatchedModel> {
  const { base, applied, fingerprints } =
    'base' in model ? model : { base: model, applied: [], fingerprints: new Map<string, string>() };
  const all: AppliedSignature[] = [...applied];
  const known = new Map(fingerprints);
  for (const { signature, alpha } of applications) {
    checkAlpha(alpha);
    const twin = all.find((other) => sameButAbout(other.signature, signature));
    if (twin !== undefined) {
      throw new RwsError(
        'RWS_ALREADY_APPLIED',
        `${signatureLabel(signature)} is applied already${twin.signature.id === signature.id ? '' : `, described otherwise, as ${twin.signature.id}`}; change its strength with scale.`,
      );
    }
    const transferred = await checkFit(signature, base, known, allowTransfer);
    all.push({ signature, alpha, transferred });
  }
  return patchedModel(base, all, known);
}

/**
 * The same patched model with another strength for one of its signatures.
 *
 * @throws {RwsError} `RWS_NOT_APPLIED`, `RWS_OPTION_INVALID`, `RWS_OUT_OF_RANGE`.
 */
export function scale(model: PatchedModel, id: string, alpha: number): PatchedModel {
  checkAlpha(alpha);
  const index = indexOf(model, id);
  const applied = model.applied.map((entry, i) => (i === index ? { ...entry, alpha } : entry));
  return patchedModel(model.base, applied, model.fingerprints);
}

/**
 * Takes one signature off, or all of them; what is left has the bits that it would have without it, and with none left
 * `state` is the base itself.
 *
 * @throws {RwsError} `RWS_NOT_APPLIED` for an id that is not applied.
 */
export function unpatch(model: PatchedModel, id: string | 'all'): PatchedModel {
  const index = id === 'all' ? -1 : indexOf(model, id);
  const applied = id === 'all' ? [] : model.applied.filter((_, i) => i !== index);
  return patchedModel(model.base, applied, model.fingerprints);
}

/** Computes the weights from the base; `fingerprints` covers at least the touched tensors. */
export function patchedModel(
  base: StateDict,
  applied: readonly AppliedSignature[],
  fingerprints: ReadonlyMap<string, string>,
): PatchedModel {
  const sorted = [...applied].sort((a, b) => (a.signature.id < b.signature.id ? -1 : 1));
  const touched = touchedNames(sorted);
  const state = touched.length === 0 ? base : new Map(base);
  if (state !== base) {
    for (const name of touched) {
      const delta = deltaOf(sorted, name);
      if (delta !== undefined)
        (state as Map<string, unknown>).set(name, addDelta(base.get(name)!, delta, name));
    }
  }
  const tensors = changes(base, state, touched);
  return {
    base,
    applied: sorted,
    state,
    fingerprints: new Map(touched.map((name) => [name, fingerprints.get(name)!])),
    report: {
      tensors,
      elements: tensors.reduce((sum, { elements }) => sum + elements, 0),
      changed: tensors.reduce((sum, { changed }) => sum + changed, 0),
      changeNorm: Math.hypot(...tensors.map(({ changeNorm }) => changeNorm)),
      baseNorm: Math.hypot(...tensors.map(({ baseNorm }) => baseNorm)),
    },
  };
}

function checkAlpha(alpha: number): void {
  if (!Number.isFinite(alpha)) {
    throw new RwsError('RWS_OPTION_INVALID', `alpha must be a finite number, got ${alpha}.`);
  }
}

function indexOf({ applied }: PatchedModel, id: string): number {
  const index = applied.findIndex(({ signature }) => signature.id === id);
  if (index < 0) {
    const ids = applied.map(({ signature }) => signature.id).join(', ') || 'none';
    throw new RwsError('RWS_NOT_APPLIED', `signature ${id} is not applied; applied are: ${ids}.`);
  }
  return index;
}
