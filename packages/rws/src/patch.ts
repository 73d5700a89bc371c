import type { StateDict, TensorData } from '@proj/tensor-io';
import { applyChange, type TensorChange, unchanged } from './apply.ts';
import { asksForRecalibration } from './batch-norm.ts';
import { type Composition, compose } from './composition.ts';
import { conflicts, type PairConflict } from './conflicts.ts';
import { RwsError } from './error.ts';
import { checkFit } from './fit.ts';
import { type CompositionRule, checkRule, sumRule } from './rule.ts';
import { sameButAbout, signatureLabel } from './signature.ts';
import { type Application, checkStrength, type Strength } from './strength.ts';

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
  /** Where signatures pull against each other, for every two of them; computed when it is read. */
  readonly conflicts: readonly PairConflict[];
  /** An applied signature asks for batch-norm statistics to be estimated anew, on corrupted images, before the model is used. */
  readonly recalibrate: boolean;
}

/** A model with signatures on it. Immutable: `patch`, `scale`, `recompose` and `unpatch` return another one. */
export interface PatchedModel {
  /** The model as it was handed over; its tensors are never written to. */
  readonly base: StateDict;
  /** Sorted by signature id. */
  readonly applied: readonly AppliedSignature[];
  /** How the signatures add up. */
  readonly rule: CompositionRule;
  /** The patched weights; tensors that no signature changes are the base's own objects. */
  readonly state: StateDict;
  readonly report: PatchReport;
  /** `tensorSha256` of the base's touched tensors. */
  readonly fingerprints: ReadonlyMap<string, string>;
}

export interface PatchOptions {
  /** Apply to a model of the same architecture that was trained otherwise; names and shapes must still fit. */
  readonly allowTransfer?: boolean;
  /** How signatures add up; the patched model's own where there is one, else the sum. */
  readonly rule?: CompositionRule;
}

/**
 * Adds signatures to a model, or further ones to a patched model: θ = base + δ, with δ = Σ α·RWS or what the rule says.
 *
 * Sums are taken in float64 in order of signature ids and rounded once to the tensor's dtype, so the same set gives
 * the same bits in whatever order it came about. All signatures are verified before anything is computed.
 *
 * @throws {SignatureMismatchError} `RWS_SIGNATURE_MISMATCH`, listing every tensor that does not fit.
 * @throws {RwsError} `RWS_OPTION_INVALID` for an α that is not finite, an α of a unit or tensor that the signature lacks, or a rule that
 * makes no sense; `RWS_ALREADY_APPLIED` also under another description (`withAbout`); `RWS_SIGNATURES_DIFFER` when one signature adds to
 * what another replaces; `RWS_NON_FINITE`; `RWS_OUT_OF_RANGE` when the sum does not fit the dtype.
 */
export async function patch(
  model: StateDict | PatchedModel,
  applications: readonly Application[],
  options: PatchOptions = {},
): Promise<PatchedModel> {
  const { base, applied, fingerprints, ...before } = patchedAlready(model)
    ? model
    : { base: model, applied: [], fingerprints: new Map<string, string>(), rule: sumRule };
  const rule = options.rule === undefined ? before.rule : checkRule(options.rule);
  const all: AppliedSignature[] = [...applied];
  const known = new Map(fingerprints);
  for (const application of applications) {
    const { signature } = application;
    checkStrength(signature, application);
    const twin = all.find((other) => sameButAbout(other.signature, signature));
    if (twin !== undefined) {
      throw new RwsError(
        'RWS_ALREADY_APPLIED',
        `${signatureLabel(signature)} is applied already${twin.signature.id === signature.id ? '' : `, described otherwise, as ${twin.signature.id}`}; change its strength with scale.`,
      );
    }
    const transferred = await checkFit(signature, base, known, options.allowTransfer === true);
    all.push({ ...application, transferred });
  }
  return patchedModel(base, all, known, rule);
}

const patchedAlready = (model: StateDict | PatchedModel): model is PatchedModel => 'base' in model;

/**
 * The same patched model with another strength for one of its signatures, in place of all that it had.
 *
 * @throws {RwsError} `RWS_NOT_APPLIED`, `RWS_OPTION_INVALID`, `RWS_OUT_OF_RANGE`.
 */
export function scale(model: PatchedModel, id: string, strength: number | Strength): PatchedModel {
  const index = indexOf(model, id);
  const { alpha, units, tensors } = typeof strength === 'number' ? { alpha: strength } : strength;
  const { signature, transferred } = model.applied[index]!;
  const scaled: AppliedSignature = {
    ...{ signature, transferred, alpha },
    ...(units === undefined ? {} : { units }),
    ...(tensors === undefined ? {} : { tensors }),
  };
  checkStrength(signature, scaled);
  const applied = model.applied.map((entry, i) => (i === index ? scaled : entry));
  return patchedModel(model.base, applied, model.fingerprints, model.rule);
}

/**
 * The same signatures under another rule.
 *
 * @throws {RwsError} `RWS_OPTION_INVALID`, `RWS_OUT_OF_RANGE`.
 */
export function recompose(model: PatchedModel, rule: CompositionRule): PatchedModel {
  return patchedModel(model.base, model.applied, model.fingerprints, checkRule(rule));
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
  return patchedModel(model.base, applied, model.fingerprints, model.rule);
}

/** Computes the weights from the base; `fingerprints` covers at least the touched tensors. */
export function patchedModel(
  base: StateDict,
  applied: readonly AppliedSignature[],
  fingerprints: ReadonlyMap<string, string>,
  rule: CompositionRule,
): PatchedModel {
  const sorted = [...applied].sort((a, b) => (a.signature.id < b.signature.id ? -1 : 1));
  const composition = compose(sorted, rule);
  const { state, tensors } = changed(base, composition);
  return {
    base,
    applied: sorted,
    rule,
    state,
    fingerprints: new Map(composition.touched.map((name) => [name, fingerprints.get(name)!])),
    report: reportOf(tensors, sorted),
  };
}

function changed(base: StateDict, composition: Composition): { state: StateDict; tensors: TensorChange[] } {
  if (composition.touched.length === 0) return { state: base, tensors: [] };
  const state = new Map<string, TensorData>(base);
  const tensors = composition.touched.map((name) => {
    const change = composition.change(name);
    if (change === undefined) return unchanged(base.get(name)!, name);
    const [tensor, report] = applyChange(base.get(name)!, change, name);
    state.set(name, tensor);
    return report;
  });
  return { state, tensors };
}

function reportOf(tensors: readonly TensorChange[], applied: readonly Application[]): PatchReport {
  let pairs: readonly PairConflict[] | undefined;
  return {
    tensors,
    elements: tensors.reduce((sum, { elements }) => sum + elements, 0),
    changed: tensors.reduce((sum, { changed }) => sum + changed, 0),
    changeNorm: Math.hypot(...tensors.map(({ changeNorm }) => changeNorm)),
    baseNorm: Math.hypot(...tensors.map(({ baseNorm }) => baseNorm)),
    get conflicts() {
      pairs ??= conflicts(applied);
      return pairs;
    },
    recalibrate: applied.some(
      ({ signature, alpha }) => alpha !== 0 && asksForRecalibration(signature.batchNorm),
    ),
  };
}

function indexOf({ applied }: PatchedModel, id: string): number {
  const index = applied.findIndex(({ signature }) => signature.id === id);
  if (index < 0) {
    const ids = applied.map(({ signature }) => signature.id).join(', ') || 'none';
    throw new RwsError('RWS_NOT_APPLIED', `signature ${id} is not applied; applied are: ${ids}.`);
  }
  return index;
}
