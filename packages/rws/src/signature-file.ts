import { type Metadata, parseSafetensors, type StateDict, serializeSafetensors } from '@proj/tensor-io';
import { decodeAbout } from './about.ts';
import { RwsError } from './error.ts';
import { product } from './floats.ts';
import {
  decodeJson,
  hash,
  integer,
  invalid,
  list,
  nullable,
  number,
  oneOf,
  record,
  text,
  versioned,
} from './json.ts';
import { identified, type Signature, type SignatureContent, tensorsSha256 } from './signature.ts';
import { signatureFormat, signatureKey, signatureState, signatureText } from './signature-layout.ts';
import { readStored } from './signature-payload.ts';

const anySize = integer(0, Number.MAX_SAFE_INTEGER);
const anyNorm = number(0, Number.MAX_VALUE);

const decodeHeader = record({
  format: text,
  about: decodeAbout,
  fingerprints: record({ init: nullable(hash), standard: hash, robust: hash }),
  k: integer(1, Number.MAX_SAFE_INTEGER),
  units: integer(1, Number.MAX_SAFE_INTEGER),
  model: record({ parameters: anySize, bytes: anySize }),
  projection: oneOf('orthogonal', 'none'),
  quantizer: record({ scheme: oneOf('linear', 'none') }, { levels: integer(2, 256) }),
  tensors: list(
    record({
      name: text,
      shape: list(anySize),
      unit: anySize,
      standard: hash,
      norm: anyNorm,
      p: nullable(number(-Number.MAX_VALUE, Number.MAX_VALUE)),
      directionNorm: nullable(anyNorm),
    }),
  ),
});

type Header = ReturnType<typeof decodeHeader>;

/** The bytes of a `*.rws.safetensors` file (FORMAT.md): the same for the same signature. */
export function signatureToBytes(signature: SignatureContent): Uint8Array {
  return serializeSafetensors(signatureState(signature), new Map([[signatureKey, signatureText(signature)]]));
}

/**
 * Reads a `*.rws.safetensors` file and checks everything that it claims.
 *
 * @throws {RwsError} `RWS_NOT_A_SIGNATURE`, `RWS_FORMAT_UNSUPPORTED`, `RWS_METADATA_INVALID`, `RWS_TENSORS_INVALID`,
 * `RWS_CODES_INVALID`, `RWS_SCALE_INVALID`, `RWS_NON_FINITE`.
 * @throws {TensorIoError} when the bytes are no valid safetensors file.
 */
export async function signatureFromBytes(bytes: Uint8Array): Promise<Signature> {
  const { state, metadata } = parseSafetensors(bytes);
  const header = readHeader(metadata);
  await checkHeader(header);
  return identified(contentOf(header, state));
}

/** Whether a file's metadata says that it holds a signature. */
export function isSignature(metadata: Metadata): boolean {
  return metadata.has(signatureKey);
}

function readHeader(metadata: Metadata): Header {
  const json = metadata.get(signatureKey);
  if (json === undefined) {
    throw new RwsError(
      'RWS_NOT_A_SIGNATURE',
      `the file's metadata has no "${signatureKey}" entry (it has: ${[...metadata.keys()].join(', ') || 'none'}); pass a *.rws.safetensors file.`,
    );
  }
  if (metadata.size > 1) throw invalid('__metadata__', `entries beside "${signatureKey}"`);
  return decodeJson(json, signatureKey, versioned(signatureFormat, decodeHeader));
}

/** What must hold between the fields of a header. */
async function checkHeader({ k, units, projection, fingerprints, model, quantizer, tensors }: Header) {
  if (k > units) throw invalid('rws.k', `${k} of ${units} units`);
  if ((quantizer.scheme === 'linear') !== (quantizer.levels !== undefined)) {
    throw invalid('rws.quantizer', 'a linear quantizer has levels, no quantizer has none');
  }
  if (projection === 'orthogonal' && fingerprints.init === null) {
    throw invalid('rws.fingerprints.init', 'null, but a projection needs the initial weights');
  }
  let unit = -1;
  const names = new Set<string>();
  for (const tensor of tensors) {
    const where = `rws.tensors "${tensor.name}"`;
    if (names.has(tensor.name)) throw invalid(where, 'listed twice');
    names.add(tensor.name);
    if (tensor.unit !== unit && tensor.unit !== unit + 1) {
      throw invalid(where, `unit ${tensor.unit} follows ${unit}`);
    }
    unit = tensor.unit;
    if (!Number.isSafeInteger(product(tensor.shape))) throw invalid(where, 'too many elements');
    if (
      (tensor.p === null) !== (projection === 'none') ||
      (tensor.directionNorm === null) !== (tensor.p === null)
    ) {
      throw invalid(where, 'p and directionNorm are given exactly with a projection');
    }
  }
  if (unit !== k - 1) throw invalid('rws.tensors', `they cover ${unit + 1} units, k is ${k}`);
  const parameters = tensors.reduce((sum, { shape }) => sum + product(shape), 0);
  if (parameters > model.parameters) {
    throw invalid('rws.model', `${model.parameters} parameters, fewer than the signature's ${parameters}`);
  }
  const standard = await tensorsSha256(tensors.map((tensor) => [tensor.name, tensor.standard]));
  if (standard !== fingerprints.standard) {
    throw invalid('rws.fingerprints.standard', 'not the hash of the tensors\' own "standard" hashes');
  }
}

function contentOf(header: Header, state: StateDict): SignatureContent {
  const { format: _, quantizer, tensors, ...rest } = header;
  const levels = quantizer.levels ?? null;
  const stored = readStored(state, tensors, levels);
  return { ...rest, levels, tensors: tensors.map((tensor, i) => ({ ...tensor, stored: stored[i]! })) };
}
