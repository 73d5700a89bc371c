import { type StateDict, tensorSha256 } from '@proj/tensor-io';
import { decodeAbout, type SignatureAbout } from './about.ts';
import type { BatchNormPolicy, BatchNormRoles } from './batch-norm.ts';
import { RwsError } from './error.ts';
import { checkExtractOptions, checkStates, type ExtractPlan, type UnitTensor } from './extract-checks.ts';
import { product } from './floats.ts';
import { canonicalJson, decodeJson } from './json.ts';
import { difference, norm } from './projection.ts';
import type { Quantizer } from './quantizer.ts';
import { residualOf } from './residual.ts';
import {
  dequantizeTensor,
  fingerprintsOf,
  identified,
  type Projection,
  type Signature,
  type SignatureTensor,
} from './signature.ts';
import { type Structure, store } from './storage.ts';

export interface ExtractOptions {
  /** The common start of both fine-tunings. Without it there is no standard direction, hence no projection. */
  readonly init?: StateDict;
  /** Fine-tuned on clean images. */
  readonly standard: StateDict;
  /** Fine-tuned on corrupted images. */
  readonly robust: StateDict;
  /** Parameter names in units of depth, shallowest first, for the whole architecture. */
  readonly units: readonly (readonly string[])[];
  /** The signature covers the first `k` units. */
  readonly k: number;
  /** Defaults to `orthogonal` with `init`, to `none` (robust minus standard) without. */
  readonly projection?: Projection;
  /** Short for `quantizer`: 2 to 8 bits a value, linear with 2^bits levels, or 32 for plain float32. Defaults to 4. */
  readonly bits?: number;
  readonly quantizer?: Quantizer;
  /** Which values are stored. Defaults to all of them, `dense`. */
  readonly structure?: Structure;
  /** Defaults to `delta`. */
  readonly batchNorm?: BatchNormPolicy;
  /** Which tensors are batch normalisation's. Defaults to what `batchNormRoles` finds in `standard` by PyTorch's names. */
  readonly batchNormRoles?: BatchNormRoles;
  readonly about?: SignatureAbout;
}

/** What extraction found in one tensor; norms are L2 norms in float64, before quantization. */
export interface TensorDiagnostics {
  readonly name: string;
  /** null for a replacement. */
  readonly unit: number | null;
  /** p = <d, b> / <b, b>; null without projection. */
  readonly p: number | null;
  /** ||RWS||; ||robust − standard|| of a replacement. */
  readonly norm: number;
  /** ||b||; null without projection. */
  readonly directionNorm: number | null;
  /** ||robust − standard|| / ||standard||; null where the standard tensor is zero. */
  readonly relativeDifference: number | null;
  /** ||RWS||² of this tensor over the sum of all; 0 for a replacement. */
  readonly share: number;
  /** ||stored − RWS|| / ||RWS||, what quantization and structure cost; 0 where nothing was lost. */
  readonly storageError: number;
}

export interface Extraction {
  readonly signature: Signature;
  /** One entry per tensor, in unit order. */
  readonly diagnostics: readonly TensorDiagnostics[];
}

/**
 * Extracts a robust weight signature: per tensor of the first `k` units RWS = d − (<d, b> / <b, b>)·b with
 * d = robust − init and b = standard − init (Cai et al., ICML 2023), or robust − standard without projection.
 *
 * Float64 throughout, rounded to float32 once, then quantized. A frozen tensor (b = 0) keeps d whole. Inputs may be
 * F64, F32, F16 or BF16; of the units beyond the first `k` only the names are looked up in `standard`.
 *
 * @throws {RwsError} `RWS_OPTION_INVALID`; `RWS_STATES_DIFFER` with every name, shape and dtype that does not fit;
 * `RWS_NON_FINITE`; `RWS_OUT_OF_RANGE` for a signature beyond float32; `RWS_NOTHING_TO_EXTRACT` when it is all zero;
 * `RWS_METADATA_INVALID` for an `about` of another form.
 */
export async function extract(options: ExtractOptions): Promise<Extraction> {
  const { standard, units, k } = options;
  const plan = checkExtractOptions(options);
  const about = checkAbout(options.about ?? {});
  const tensors: SignatureTensor[] = [];
  const drafts: Omit<TensorDiagnostics, 'share'>[] = [];
  for (const tensor of checkStates(options, plan)) {
    const { described, diagnostics } = await signatureTensor(tensor, plan);
    tensors.push(described);
    drafts.push(diagnostics);
  }
  const energy = checkedEnergy(tensors, k);
  const signature = await identified({
    ...{ projection: plan.projection, quantizer: plan.quantizer, structure: plan.structure },
    ...{ batchNorm: plan.batchNorm, k, units: units.length, model: sizeOf(standard), about, tensors },
    fingerprints: await fingerprintsOf(tensors),
  });
  const shareOf = ({ unit, norm }: { unit: number | null; norm: number }) =>
    unit === null ? 0 : norm ** 2 / energy;
  return { signature, diagnostics: drafts.map((draft) => ({ ...draft, share: shareOf(draft) })) };
}

async function signatureTensor(
  tensor: UnitTensor,
  { projection, quantizer, structure }: ExtractPlan,
): Promise<{ described: SignatureTensor; diagnostics: Omit<TensorDiagnostics, 'share'> }> {
  const { name, unit, apply, role, init, standard, robust } = tensor;
  const { values, norm: length, p, directionNorm, relativeDifference } = residualOf(tensor, projection);
  const as = { name, shape: [...standard.shape], unit, apply, ...(role && { role }) };
  const described: SignatureTensor = {
    ...as,
    init: init === undefined ? null : await tensorSha256(init),
    standard: await tensorSha256(standard),
    robust: await tensorSha256(robust),
    ...{ norm: length, p, directionNorm },
    stored: store(values, as, structure, quantizer, `"${name}"`),
  };
  const error = norm(difference(dequantizeTensor({ quantizer }, described), values));
  const storageError = error === 0 ? 0 : error / length;
  return {
    described,
    diagnostics: { name, unit, p, norm: length, directionNorm, relativeDifference, storageError },
  };
}

/** The squared norm of what is added, which must not vanish. */
function checkedEnergy(tensors: readonly SignatureTensor[], k: number): number {
  const energy = tensors.reduce((sum, { unit, norm }) => sum + (unit === null ? 0 : norm ** 2), 0);
  if (energy > 0) return energy;
  throw new RwsError(
    'RWS_NOTHING_TO_EXTRACT',
    `the signature would be zero: robust and standard do not differ in the first ${k} units; was one checkpoint passed twice?`,
  );
}

/**
 * The signature of the first `k` units alone: the same as extracting it with that `k`. So a signature of all units needs to
 * be extracted once to try every k.
 *
 * @throws {RwsError} `RWS_OPTION_INVALID` for a `k` above the signature's; `RWS_NOTHING_TO_EXTRACT` when nothing is left.
 */
export async function truncate(signature: Signature, k: number): Promise<Signature> {
  if (!Number.isInteger(k) || k < 1 || k > signature.k) {
    throw new RwsError(
      'RWS_OPTION_INVALID',
      `k must be an integer from 1 to ${signature.k}, the units that the signature covers; got ${k}.`,
    );
  }
  const { id: _, ...content } = signature;
  const tensors = content.tensors.filter(({ unit }) => unit === null || unit < k);
  checkedEnergy(tensors, k);
  return identified({ ...content, k, tensors, fingerprints: await fingerprintsOf(tensors) });
}

/**
 * The same signature with another description, e.g. after α was validated; the id changes with it.
 *
 * @throws {RwsError} `RWS_METADATA_INVALID` for an `about` of another form.
 */
export async function withAbout(signature: Signature, about: SignatureAbout): Promise<Signature> {
  const { id: _, ...content } = signature;
  return identified({ ...content, about: checkAbout(about) });
}

function checkAbout(about: SignatureAbout): SignatureAbout {
  return decodeJson(canonicalJson(about), 'about', decodeAbout);
}

function sizeOf(state: StateDict): { parameters: number; bytes: number } {
  let parameters = 0;
  let bytes = 0;
  for (const tensor of state.values()) {
    parameters += product(tensor.shape);
    bytes += tensor.bytes.length;
  }
  return { parameters, bytes };
}
