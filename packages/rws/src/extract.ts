import { packBits, type StateDict, type TensorData, tensorSha256 } from '@proj/tensor-io';
import { decodeAbout, type SignatureAbout } from './about.ts';
import { RwsError } from './error.ts';
import { checkExtractOptions, checkStates, type UnitTensor } from './extract-checks.ts';
import { product } from './floats.ts';
import { canonicalJson, decodeJson } from './json.ts';
import { difference, norm } from './projection.ts';
import { bitsForLevels, quantizeLinear } from './quantizer.ts';
import { residualOf } from './residual.ts';
import {
  dequantizeTensor,
  identified,
  type Projection,
  type Signature,
  type SignatureTensor,
  type StoredValues,
  tensorsSha256,
} from './signature.ts';

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
  /** 2 to 8 bits a value, linear min–max per tensor, or 32 for plain float32. Defaults to 4. */
  readonly bits?: number;
  readonly about?: SignatureAbout;
}

/** What extraction found in one tensor; norms are L2 norms in float64, before quantization. */
export interface TensorDiagnostics {
  readonly name: string;
  readonly unit: number;
  /** p = <d, b> / <b, b>; null without projection. */
  readonly p: number | null;
  /** ||RWS||. */
  readonly norm: number;
  /** ||b||; null without projection. */
  readonly directionNorm: number | null;
  /** ||robust − standard|| / ||standard||; null where the standard tensor is zero. */
  readonly relativeDifference: number | null;
  /** ||RWS||² of this tensor over the sum of all. */
  readonly share: number;
  /** ||stored − RWS|| / ||RWS||, what quantization cost; 0 where nothing was lost. */
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
  const { init, standard, units, k } = options;
  const { projection, levels } = checkExtractOptions(options);
  const about = checkAbout(options.about ?? {});
  const unitTensors = checkStates(options);
  const tensors: SignatureTensor[] = [];
  const drafts: Omit<TensorDiagnostics, 'share'>[] = [];
  for (const tensor of unitTensors) {
    const { name, unit } = tensor;
    const { values, p, directionNorm, relativeDifference } = residualOf(tensor, projection);
    const described: SignatureTensor = {
      name,
      shape: [...tensor.standard.shape],
      unit,
      standard: await tensorSha256(tensor.standard),
      norm: norm(values),
      p,
      directionNorm,
      stored: store(values, levels, name),
    };
    const error = norm(difference(dequantizeTensor({ levels }, described), values));
    const storageError = error === 0 ? 0 : error / described.norm;
    tensors.push(described);
    drafts.push({ name, unit, p, norm: described.norm, directionNorm, relativeDifference, storageError });
  }
  const energy = drafts.reduce((sum, draft) => sum + draft.norm ** 2, 0);
  if (energy === 0) {
    throw new RwsError(
      'RWS_NOTHING_TO_EXTRACT',
      `the signature would be zero: robust and standard do not differ in the first ${k} units; was one checkpoint passed twice?`,
    );
  }
  const signature = await identified({
    projection,
    levels,
    k,
    units: units.length,
    model: sizeOf(standard),
    fingerprints: {
      init: init === undefined ? null : await fingerprint(unitTensors, (tensor) => tensor.init!),
      standard: await tensorsSha256(tensors.map((tensor) => [tensor.name, tensor.standard])),
      robust: await fingerprint(unitTensors, (tensor) => tensor.robust),
    },
    about,
    tensors,
  });
  return { signature, diagnostics: drafts.map((draft) => ({ ...draft, share: draft.norm ** 2 / energy })) };
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

function store(values: Float32Array, levels: number | null, name: string): StoredValues {
  if (levels === null) return { values };
  const { codes, lo, hi } = quantizeLinear(values, levels, `"${name}"`);
  return { packed: packBits(codes, bitsForLevels(levels)), lo, hi };
}

async function fingerprint(
  tensors: readonly UnitTensor[],
  pick: (tensor: UnitTensor) => TensorData,
): Promise<string> {
  const entries: [string, string][] = [];
  for (const tensor of tensors) entries.push([tensor.name, await tensorSha256(pick(tensor))]);
  return tensorsSha256(entries);
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
