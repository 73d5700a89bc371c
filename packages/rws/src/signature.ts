import { type StateDict, sha256, stateSha256, tensorData } from '@proj/tensor-io';
import type { SignatureAbout } from './about.ts';
import type { BatchNormPolicy, BatchNormRole } from './batch-norm.ts';
import type { Quantizer } from './quantizer.ts';
import { signatureState, signatureText } from './signature-layout.ts';
import { restore, type StoredValues, type Stream, type Structure } from './storage.ts';

/** `orthogonal`: what is left of the robust task vector beside the standard one; `none`: robust minus standard. */
export type Projection = 'orthogonal' | 'none';

/** One parameter tensor's share of a signature. */
export interface SignatureTensor {
  /** The parameter's name in the model. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Index of the unit it belongs to, from 0; null for a replacement, which belongs to the whole network. */
  readonly unit: number | null;
  /** `add`: values are added to the model's; `replace`: they take their place. */
  readonly apply: 'add' | 'replace';
  /** Of a batch-norm tensor. A variance stays at least 0 under a patch. */
  readonly role?: BatchNormRole;
  /** SHA-256 of the initial model's tensor (`tensorSha256`); null without one, and for a replacement. */
  readonly init: string | null;
  /** SHA-256 of the standard model's tensor, by which a model is recognised. */
  readonly standard: string;
  readonly robust: string;
  /** ||RWS||₂ before quantization; ||robust − standard||₂ of a replacement. */
  readonly norm: number;
  /** p = <d, b> / <b, b>; null without projection. */
  readonly p: number | null;
  /** ||b||₂ of the standard direction; null without projection. */
  readonly directionNorm: number | null;
  readonly stored: StoredValues;
}

/** `tensorsSha256` of the touched tensors in each of the three checkpoints; `init` is null without one. */
export interface Fingerprints {
  readonly init: string | null;
  readonly standard: string;
  readonly robust: string;
}

/** Everything of a signature but its id. */
export interface SignatureContent {
  readonly projection: Projection;
  readonly quantizer: Quantizer;
  readonly structure: Structure;
  readonly batchNorm: BatchNormPolicy;
  /** The signature covers the first `k` of the architecture's `units` units. */
  readonly k: number;
  readonly units: number;
  /** Size of the whole standard model, to compare with. */
  readonly model: { readonly parameters: number; readonly bytes: number };
  readonly fingerprints: Fingerprints;
  readonly about: SignatureAbout;
  /** In unit order, then replacements. */
  readonly tensors: readonly SignatureTensor[];
}

/** What fine-tuning on corrupted images did to the first `k` units, ready to be added to a model. Immutable. */
export interface Signature extends SignatureContent {
  /** SHA-256 over metadata and tensors (FORMAT.md): the same for the same content in any file. */
  readonly id: string;
}

/** Gives content its id. */
export async function identified(content: SignatureContent): Promise<Signature> {
  const tensors = await stateSha256(signatureState(content));
  const id = await sha256(new TextEncoder().encode(`${signatureText(content)}\n${tensors}`));
  return { ...content, id };
}

/** The values of one tensor of a signature, as patching adds them: float32, in C order. Not to be written to. */
export function dequantizeTensor(
  { quantizer }: Pick<SignatureContent, 'quantizer'>,
  { shape, stored }: Pick<SignatureTensor, 'shape' | 'stored'>,
): Float32Array {
  return restore(stored, shape, quantizer);
}

/** The whole signature as F32 tensors under the parameters' names. */
export function dequantize(signature: SignatureContent): StateDict {
  return new Map(
    signature.tensors.map((tensor) => [
      tensor.name,
      tensorData('F32', tensor.shape, dequantizeTensor(signature, tensor)),
    ]),
  );
}

/** One fingerprint for several tensors: SHA-256 of the JSON text `[["name","tensor SHA-256"],...]` in unit order. */
export function tensorsSha256(
  fingerprints: readonly (readonly [name: string, sha256: string])[],
): Promise<string> {
  return sha256(new TextEncoder().encode(JSON.stringify(fingerprints)));
}

/** The fingerprints of a signature's tensors taken together. */
export async function fingerprintsOf(tensors: readonly SignatureTensor[]): Promise<Fingerprints> {
  const initial = tensors.flatMap(({ name, init }) => (init === null ? [] : [[name, init] as const]));
  return {
    init: initial.length === 0 ? null : await tensorsSha256(initial),
    standard: await tensorsSha256(tensors.map(({ name, standard }) => [name, standard])),
    robust: await tensorsSha256(tensors.map(({ name, robust }) => [name, robust])),
  };
}

/** Whether two signatures are the same in all but their description, so that adding both would add the same twice. */
export function sameButAbout(a: Signature, b: Signature): boolean {
  const [first, second] = [a, b].map((signature) => signatureText({ ...signature, about: {} }));
  return (
    first === second &&
    a.tensors.every(({ stored }, i) =>
      stored.streams.every((stream, j) => sameStream(stream, b.tensors[i]!.stored.streams[j]!)),
    )
  );
}

function sameStream(a: Stream, b: Stream): boolean {
  if ('values' in a) return 'values' in b && a.values.every((value, i) => Object.is(value, b.values[i]));
  if ('values' in b || a.lo !== b.lo || a.hi !== b.hi || a.zero !== b.zero) return false;
  return a.packed.every((byte, i) => byte === b.packed[i]);
}

/** How messages call a signature: its name, or the head of its id. */
export function signatureLabel({ id, about }: Pick<Signature, 'id' | 'about'>): string {
  return about.name === undefined
    ? `signature ${id.slice(0, 12)}`
    : `signature "${about.name}" (${id.slice(0, 12)})`;
}
