import { MAX_HEADER_BYTES, type Metadata, type StateDict, stateSha256, tensorSha256 } from '@proj/tensor-io';
import { fromBase64, toBase64 } from './base64.ts';
import { touchedNames } from './delta.ts';
import { RwsError } from './error.ts';
import { isFloat } from './floats.ts';
import {
  canonicalJson,
  type Decoder,
  decodeJson,
  hash,
  invalid,
  list,
  number,
  oneOf,
  record,
  text,
  versioned,
} from './json.ts';
import { type AppliedSignature, type PatchedModel, patchedModel } from './patch.ts';
import { type Signature, signatureLabel } from './signature.ts';
import { signatureFromBytes, signatureToBytes } from './signature-file.ts';
import { decodeUndo, encodeUndo } from './undo.ts';

const patchedFormat = 'rws-patched/1';
/** The key in safetensors' `__metadata__`. */
const patchedKey = 'rws-patched';

const bytes: Decoder<Uint8Array<ArrayBuffer>> = (value, where) => {
  const decoded = fromBase64(text(value, where));
  if (decoded === undefined) throw invalid(where, 'no canonical base64');
  return decoded;
};

const decodePatched = versioned(
  patchedFormat,
  record({
    format: oneOf(patchedFormat),
    base: hash,
    tensors: list(record({ name: text, sha256: hash })),
    signatures: list(record({ id: hash, alpha: number(-Number.MAX_VALUE, Number.MAX_VALUE), file: bytes })),
    undo: bytes,
  }),
);

/** Whether a file's metadata says that its model carries signatures. */
export function isPatched(metadata: Metadata): boolean {
  return metadata.has(patchedKey);
}

/**
 * The metadata to write beside `model.state`: the model's own, plus one entry with the applied signatures, their α and
 * what exact removal needs (FORMAT.md). With no signature applied it is the model's own metadata.
 *
 * @throws {RwsError} `RWS_ALREADY_PATCHED` when `metadata` belongs to a patched file; `RWS_PATCH_TOO_LARGE` when all of it does
 * not fit into a header of 100,000,000 bytes, about 75 MB of signatures and undo data.
 */
export async function patchedMetadata(
  model: PatchedModel,
  metadata: Metadata = new Map(),
): Promise<Metadata> {
  if (isPatched(metadata)) {
    throw new RwsError(
      'RWS_ALREADY_PATCHED',
      `the metadata has an entry "${patchedKey}" already; open the file with openPatched and patch what it returns.`,
    );
  }
  if (model.applied.length === 0) return metadata;
  const files = model.applied.map(({ signature }) => signatureToBytes(signature));
  // Before anything is encoded: text this long may not even fit into a string.
  const fileBytes = files.reduce((sum, file) => sum + base64Bytes(file), 0);
  checkHeader(fileBytes);
  const undo = await encodeUndo(model.base, model.state, model.applied);
  checkHeader(fileBytes + base64Bytes(undo));
  const entry = canonicalJson({
    format: patchedFormat,
    base: await stateSha256(model.base),
    tensors: touchedNames(model.applied).map((name) => ({ name, sha256: model.fingerprints.get(name) })),
    signatures: model.applied.map(({ signature, alpha }, i) => ({
      id: signature.id,
      alpha,
      file: toBase64(files[i]!),
    })),
    undo: toBase64(undo),
  });
  const all = new Map([...metadata, [patchedKey, entry]]);
  checkHeader(headerBytes(model.state, all));
  return all;
}

function base64Bytes(bytes: Uint8Array): number {
  return Math.ceil(bytes.length / 3) * 4;
}

/** At least the length of the safetensors header for these tensors and metadata: offsets are counted with 15 digits. */
function headerBytes(state: StateDict, metadata: Metadata): number {
  const quoted = (text: string) => new TextEncoder().encode(JSON.stringify(text)).length;
  let bytes = 64;
  for (const [key, value] of metadata) bytes += quoted(key) + quoted(value) + 2;
  for (const [name, { shape }] of state) bytes += quoted(name) + shape.join().length + 90;
  return bytes;
}

function checkHeader(bytes: number): void {
  if (bytes > MAX_HEADER_BYTES) {
    throw new RwsError(
      'RWS_PATCH_TOO_LARGE',
      `with its signatures and what undoes them the patched file's header would take about ${bytes} bytes, at most ${MAX_HEADER_BYTES} are allowed: extract with fewer bits or a smaller k, or keep the base and the signatures as files of their own and patch after loading.`,
    );
  }
}

/**
 * Rebuilds the patched model of a file, its base restored bit for bit and verified by SHA-256, from that file alone.
 * Also returns the metadata that the base's file had.
 *
 * @throws {RwsError} `RWS_NOT_PATCHED`, `RWS_FORMAT_UNSUPPORTED`, `RWS_METADATA_INVALID`, `RWS_UNDO_INVALID`;
 * `RWS_UNDO_MISMATCH` when the weights are not what was patched; and what `signatureFromBytes` throws.
 */
export async function openPatched(
  state: StateDict,
  metadata: Metadata,
): Promise<{ model: PatchedModel; metadata: Metadata }> {
  const json = metadata.get(patchedKey);
  if (json === undefined) {
    throw new RwsError(
      'RWS_NOT_PATCHED',
      `the metadata has no entry "${patchedKey}": no signature is applied.`,
    );
  }
  const { base: baseSha256, tensors, signatures, undo } = decodeJson(json, patchedKey, decodePatched);
  const applied: { signature: Signature; alpha: number }[] = [];
  for (const [i, { id, alpha, file }] of signatures.entries()) {
    const signature = await signatureFromBytes(file);
    const where = `${patchedKey}.signatures[${i}]`;
    if (signature.id !== id) throw invalid(where, `its id is ${signature.id}, not ${id}`);
    if (i > 0 && id <= signatures[i - 1]!.id) throw invalid(where, 'not in order of ids');
    checkTouched(signature, state);
    applied.push({ signature, alpha });
  }
  const names = touchedNames(applied);
  if (applied.length === 0 || JSON.stringify(names) !== JSON.stringify(tensors.map(({ name }) => name))) {
    throw invalid(`${patchedKey}.tensors`, 'not the tensors that its signatures touch');
  }
  const base = new Map([...state, ...(await decodeUndo(undo, state, applied))]);
  const fingerprints = new Map(tensors.map(({ name, sha256 }) => [name, sha256]));
  for (const name of names) {
    if ((await tensorSha256(base.get(name)!)) !== fingerprints.get(name)) throw changed(`"${name}"`);
  }
  const model = patchedModel(base, withTransfers(applied, fingerprints), fingerprints);
  for (const name of names) {
    if (!sameBytes(model.state.get(name)!.bytes, state.get(name)!.bytes)) throw changed(`"${name}"`);
  }
  if ((await stateSha256(base)) !== baseSha256) throw changed('a tensor that no signature touches');
  return { model, metadata: new Map([...metadata].filter(([key]) => key !== patchedKey)) };
}

function withTransfers(
  applied: readonly { signature: Signature; alpha: number }[],
  fingerprints: ReadonlyMap<string, string>,
): AppliedSignature[] {
  return applied.map(({ signature, alpha }) => {
    const transferred = signature.tensors.some(({ name, standard }) => fingerprints.get(name) !== standard);
    return { signature, alpha, transferred };
  });
}

function checkTouched(signature: Signature, state: StateDict): void {
  for (const { name, shape } of signature.tensors) {
    const tensor = state.get(name);
    if (tensor === undefined || !isFloat(tensor.dtype) || tensor.shape.join() !== shape.join()) {
      throw invalid(
        patchedKey,
        `the model lacks "${name}" as a float tensor of shape [${shape.join(', ')}], which ${signatureLabel(signature)} covers`,
      );
    }
  }
}

function changed(what: string): RwsError {
  return new RwsError(
    'RWS_UNDO_MISMATCH',
    `${what} is not what it was when the file was patched, so the base cannot be restored; use the file as it was saved.`,
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return a.length === b.length;
}
