import { type StateDict, sha256, stateSha256, tensorData } from '@proj/tensor-io';
import type { SignatureAbout } from './about.ts';
import { decodePacked } from './decode-packed.ts';
import { product } from './floats.ts';
import { bitsForLevels, dequantizationTable } from './quantizer.ts';
import { signatureState, signatureText } from './signature-layout.ts';

/** `orthogonal`: what is left of the robust task vector beside the standard one; `none`: robust minus standard. */
export type Projection = 'orthogonal' | 'none';

/** How one tensor's values are kept: packed codes with the float32 range they divide, or plain float32. */
export type StoredValues =
  | { readonly packed: Uint8Array; readonly lo: number; readonly hi: number }
  | { readonly values: Float32Array };

/** One parameter tensor's share of a signature. */
export interface SignatureTensor {
  /** The parameter's name in the model. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Index of the unit it belongs to, from 0. */
  readonly unit: number;
  /** SHA-256 of the standard model's tensor (`tensorSha256`), by which a model is recognised. */
  readonly standard: string;
  /** ||RWS||₂ before quantization. */
  readonly norm: number;
  /** p = <d, b> / <b, b>; null without projection. */
  readonly p: number | null;
  /** ||b||₂ of the standard direction; null without projection. */
  readonly directionNorm: number | null;
  readonly stored: StoredValues;
  /** `add`, also where absent: values are added to the model's; `replace`: they take their place. */
  readonly apply?: 'add' | 'replace';
  /** Of a batch-norm tensor. A variance stays at least 0 under a patch. */
  readonly role?: 'scale' | 'shift' | 'mean' | 'variance';
}

/** Everything of a signature but its id. */
export interface SignatureContent {
  readonly projection: Projection;
  /** Levels of the linear quantizer, 2 to 256; null for plain float32. */
  readonly levels: number | null;
  /** The signature covers the first `k` of the architecture's `units` units. */
  readonly k: number;
  readonly units: number;
  /** Size of the whole standard model, to compare with. */
  readonly model: { readonly parameters: number; readonly bytes: number };
  /** `tensorsSha256` of the touched tensors in each of the three checkpoints; `init` is null without one. */
  readonly fingerprints: {
    readonly init: string | null;
    readonly standard: string;
    readonly robust: string;
  };
  readonly about: SignatureAbout;
  /** In unit order. */
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

/** The values of one tensor of a signature, as patching adds them: float32, in C order. */
export function dequantizeTensor(
  { levels }: Pick<SignatureContent, 'levels'>,
  { shape, stored }: SignatureTensor,
): Float32Array {
  if ('values' in stored) return stored.values;
  const table = dequantizationTable(levels!, stored.lo, stored.hi);
  return decodePacked(stored.packed, bitsForLevels(levels!), table, product(shape));
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

/** Whether two signatures are the same in all but their description, so that adding both would add the same twice. */
export function sameButAbout(a: Signature, b: Signature): boolean {
  const [first, second] = [a, b].map((signature) => signatureText({ ...signature, about: {} }));
  return first === second && a.tensors.every(({ stored }, i) => sameStored(stored, b.tensors[i]!.stored));
}

function sameStored(a: StoredValues, b: StoredValues): boolean {
  if ('values' in a) return 'values' in b && a.values.every((value, i) => Object.is(value, b.values[i]));
  if ('values' in b || a.lo !== b.lo || a.hi !== b.hi) return false;
  return a.packed.every((byte, i) => byte === b.packed[i]);
}

/** How messages call a signature: its name, or the head of its id. */
export function signatureLabel({ id, about }: Pick<Signature, 'id' | 'about'>): string {
  return about.name === undefined
    ? `signature ${id.slice(0, 12)}`
    : `signature "${about.name}" (${id.slice(0, 12)})`;
}
