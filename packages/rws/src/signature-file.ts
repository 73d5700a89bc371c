import { type Metadata, parseSafetensors, type StateDict, serializeSafetensors } from '@proj/tensor-io';
import { decodeAbout } from './about.ts';
import { treatment } from './batch-norm.ts';
import { RwsError } from './error.ts';
import { product } from './floats.ts';
import {
  chosenBy,
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
import { fingerprintsOf, identified, type Signature, type SignatureContent } from './signature.ts';
import {
  hashesEntry,
  idKey,
  signatureFileState,
  signatureFormat,
  signatureKey,
  signatureText,
} from './signature-layout.ts';
import { readPayload } from './signature-payload.ts';
import { type Form, matrixShape, type Structure } from './storage.ts';

/** A reader allocates by what a header claims, and entropy coding can make much of little. */
const mostValues = 2 ** 30;
const anySize = integer(0, Number.MAX_SAFE_INTEGER);

const levels = integer(2, 256);

const decodeQuantizer = chosenBy('scheme', {
  linear: record({ scheme: oneOf('linear'), levels }),
  log: record({ scheme: oneOf('log'), levels }),
  tanh: record({ scheme: oneOf('tanh'), levels }),
  sign: record({ scheme: oneOf('sign') }),
  none: record({ scheme: oneOf('none') }),
});

const share = number(Number.MIN_VALUE, 1);
const lowRank = oneOf('low-rank');
const byRank = record({ kind: lowRank, rank: integer(1, mostValues) });
const byEnergy = record({ kind: lowRank, energy: share });

const decodeStructure = chosenBy('kind', {
  dense: record({ kind: oneOf('dense') }),
  sparse: record({ kind: oneOf('sparse'), density: share }),
  'low-rank': (value, where) =>
    typeof value === 'object' && value !== null && 'rank' in value
      ? byRank(value, where)
      : byEnergy(value, where),
});

const decodeHeader = record({
  format: text,
  about: decodeAbout,
  batchNorm: oneOf('keep', 'delta', 'replace', 'recalibrate', 'replace+recalibrate'),
  fingerprints: record({ init: nullable(hash), standard: hash, robust: hash }),
  k: integer(1, Number.MAX_SAFE_INTEGER),
  units: integer(1, Number.MAX_SAFE_INTEGER),
  model: record({ parameters: anySize, bytes: anySize }),
  projection: oneOf('orthogonal', 'none'),
  quantizer: decodeQuantizer,
  structure: decodeStructure,
  tensors: list(
    record(
      {
        name: text,
        shape: list(anySize),
        unit: nullable(anySize),
      },
      {
        role: oneOf('scale', 'shift', 'mean', 'variance'),
        kept: integer(1, mostValues),
        rank: integer(1, mostValues),
      },
    ),
  ),
});

type Header = ReturnType<typeof decodeHeader>;
type HeaderTensor = Header['tensors'][number];

/** The bytes of a `*.rws.safetensors` file (FORMAT.md): the same for the same signature. */
export function signatureToBytes(signature: Signature): Uint8Array {
  const metadata = new Map([
    [signatureKey, signatureText(signature)],
    [idKey, signature.id],
  ]);
  return serializeSafetensors(signatureFileState(signature), metadata);
}

/** Files that signatures were read from or first written as: coding one anew takes longer than patching with it. */
const files = new WeakMap<Signature, Uint8Array>();

/** A file of the signature to put into another one: the one it was read from, else what `signatureToBytes` makes. Not to be written to. */
export function fileOf(signature: Signature): Uint8Array {
  const known = files.get(signature);
  if (known !== undefined) return known;
  const made = signatureToBytes(signature);
  files.set(signature, made);
  return made;
}

/**
 * Reads a `*.rws.safetensors` file and checks everything that it claims.
 *
 * @throws {RwsError} `RWS_NOT_A_SIGNATURE`, `RWS_FORMAT_UNSUPPORTED`, `RWS_METADATA_INVALID`, `RWS_TENSORS_INVALID`,
 * `RWS_CODES_INVALID`, `RWS_SCALE_INVALID`, `RWS_NON_FINITE`; `RWS_ID_MISMATCH` for any other damage.
 * @throws {TensorIoError} when the bytes are no valid safetensors file.
 */
export async function signatureFromBytes(bytes: Uint8Array): Promise<Signature> {
  const { state, metadata } = parseSafetensors(bytes);
  const header = readHeader(metadata);
  checkHeader(header);
  const signature = await identified(await contentOf(header, state));
  const id = metadata.get(idKey);
  if (id !== signature.id) {
    throw new RwsError(
      'RWS_ID_MISMATCH',
      `the file says that it holds signature ${id}, but its content is ${signature.id}; the file was damaged or edited.`,
    );
  }
  files.set(signature, new Uint8Array(bytes));
  return signature;
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
  const header = decodeJson(json, signatureKey, versioned(signatureFormat, decodeHeader));
  if (metadata.size !== 2 || !metadata.has(idKey)) {
    throw invalid('__metadata__', `expected the entries "${signatureKey}" and "${idKey}"`);
  }
  return header;
}

/** What must hold between the fields of a header. */
function checkHeader({
  k,
  units,
  projection,
  fingerprints,
  batchNorm,
  model,
  structure,
  tensors,
}: Header): void {
  if (k > units) throw invalid('rws.k', `${k} of ${units} units`);
  if (projection === 'orthogonal' && fingerprints.init === null) {
    throw invalid('rws.fingerprints.init', 'null, but a projection needs the initial weights');
  }
  let last = 0;
  const names = new Set<string>();
  for (const tensor of tensors) {
    const where = `rws.tensors "${tensor.name}"`;
    if (names.has(tensor.name)) throw invalid(where, 'listed twice');
    names.add(tensor.name);
    const unit = tensor.unit ?? k;
    if (unit < last || (tensor.unit !== null && unit >= k)) {
      throw invalid(where, `unit ${tensor.unit} after ${last}, k is ${k}`);
    }
    last = unit;
    if (treatment(batchNorm, tensor.role) !== applied(tensor)) {
      throw invalid(where, `batch norm ${batchNorm}, role ${tensor.role}, unit ${tensor.unit}`);
    }
    checkForm(tensor, structure, where);
  }
  if (tensors.length === 0 || tensors[0]!.unit === null) throw invalid('rws.tensors', 'none to be added');
  const parameters = tensors.reduce((sum, { shape }) => sum + product(shape), 0);
  if (!(parameters <= mostValues)) throw invalid('rws.tensors', `more than ${mostValues} values`);
  if (parameters > model.parameters) {
    throw invalid('rws.model', `${model.parameters} parameters, fewer than the signature's ${parameters}`);
  }
}

/** The form must be one that the structure allows, and may not be larger than the tensor. */
function checkForm(
  { shape, unit, role, kept, rank }: HeaderTensor,
  { kind }: Structure,
  where: string,
): void {
  const whole = shape.length < 2 || unit === null || role !== undefined;
  const [rows, columns] = matrixShape(shape);
  if (
    (kept !== undefined && (whole || kind !== 'sparse' || kept >= rows * columns)) ||
    (rank !== undefined && (whole || kind !== 'low-rank' || rank * (rows + columns + 1) >= rows * columns))
  ) {
    throw invalid(where, `${kept ?? rank} values or ranks of [${shape.join(', ')}] in a ${kind} signature`);
  }
}

async function contentOf(header: Header, state: StateDict): Promise<SignatureContent> {
  const { format: _, tensors: described, ...rest } = header;
  const tensors = described.map(({ kept, rank, ...tensor }) => ({
    tensor: { ...tensor, apply: applied(tensor) },
    form: formOf(kept, rank),
  }));
  const { hashes, statistics, stored } = readPayload(
    state,
    tensors.map(({ tensor, form }) => ({ ...tensor, form })),
    header.quantizer,
  );
  const content = {
    ...rest,
    tensors: tensors.map(({ tensor }, i) => {
      const [norm, p, directionNorm] = statistics[i]!;
      const projected = header.projection === 'orthogonal' && tensor.apply === 'add';
      return {
        ...tensor,
        ...hashes[i]!,
        norm,
        ...(projected ? { p, directionNorm } : { p: null, directionNorm: null }),
        stored: stored[i]!,
      };
    }),
  };
  const found = await fingerprintsOf(content.tensors);
  const { init, standard, robust } = rest.fingerprints;
  if (found.init !== init || found.standard !== standard || found.robust !== robust) {
    throw invalid('rws.fingerprints', `not those of the tensors' own in "${hashesEntry}"`);
  }
  return content;
}

const applied = ({ unit }: { readonly unit: number | null }): 'add' | 'replace' =>
  unit === null ? 'replace' : 'add';

function formOf(kept: number | undefined, rank: number | undefined): Form {
  if (kept !== undefined) return { kind: 'sparse', kept };
  return rank === undefined ? { kind: 'dense' } : { kind: 'low-rank', rank };
}
