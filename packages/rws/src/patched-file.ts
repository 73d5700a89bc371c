import { MAX_HEADER_BYTES, type Metadata, type StateDict } from '@proj/tensor-io';
import { fromBase64, toBase64 } from './base64.ts';
import { compose } from './composition.ts';
import { sameBytes } from './equal-bits.ts';
import { RwsError } from './error.ts';
import { withHeader } from './file-header.ts';
import { misfitsOf } from './fit.ts';
import { hashState } from './hashing.ts';
import {
  canonicalJson,
  type Decoder,
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
import { type AppliedSignature, type PatchedModel, patchedModel } from './patch.ts';
import { decodeRule } from './rule.ts';
import { signatureLabel } from './signature.ts';
import { fileOf, signatureFromBytes } from './signature-file.ts';
import { type Application, checkStrength, type Strength } from './strength.ts';
import { decodeUndo, encodeUndo } from './undo.ts';

const patchedFormat = 'rws-patched/2';
/** The key in safetensors' `__metadata__`. */
const patchedKey = 'rws-patched';

const bytes: Decoder<Uint8Array<ArrayBuffer>> = (value, where) => {
  const decoded = fromBase64(text(value, where));
  if (decoded === undefined) throw invalid(where, 'no canonical base64');
  return decoded;
};

const anyAlpha = number(-Number.MAX_VALUE, Number.MAX_VALUE);

const decodePatched = versioned(
  patchedFormat,
  record({
    format: oneOf(patchedFormat),
    base: hash,
    rule: decodeRule,
    tensors: list(record({ name: text, sha256: hash })),
    signatures: list(
      record(
        { id: hash, alpha: anyAlpha, file: bytes },
        {
          units: list(record({ unit: integer(0, Number.MAX_SAFE_INTEGER), alpha: anyAlpha })),
          tensors: list(record({ name: text, alpha: anyAlpha })),
        },
      ),
    ),
    undo: bytes,
    header: nullable(bytes),
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
 * `header` is the start of the unpatched safetensors file, up to its first tensor, kept so that removal can restore the file itself and
 * not only its tensors and metadata.
 *
 * @throws {RwsError} `RWS_ALREADY_PATCHED` when `metadata` belongs to a patched file; `RWS_PATCH_TOO_LARGE` when all of it does
 * not fit into a header of 100,000,000 bytes, about 75 MB of signatures and undo data.
 */
export async function patchedMetadata(
  model: PatchedModel,
  metadata: Metadata = new Map(),
  header: Uint8Array | null = null,
): Promise<Metadata> {
  if (isPatched(metadata)) {
    throw new RwsError(
      'RWS_ALREADY_PATCHED',
      `the metadata has an entry "${patchedKey}" already; open the file with openPatched and patch what it returns.`,
    );
  }
  if (model.applied.length === 0) return metadata;
  const files = model.applied.map(({ signature }) => fileOf(signature));
  // Before anything is encoded: text this long may not even fit into a string.
  const fileBytes = files.reduce((sum, file) => sum + base64Bytes(file), 0);
  checkHeader(fileBytes);
  const composition = compose(model.applied, model.rule);
  const known = new Map(model.fingerprints);
  // Hashing goes on in threads while the undo data is made.
  const hashing = hashState(model.base, known);
  const undo = encodeUndo(model.base, model.state, composition);
  checkHeader(fileBytes + base64Bytes(undo));
  const entry = canonicalJson({
    format: patchedFormat,
    base: await hashing,
    rule: model.rule,
    tensors: composition.touched.map((name) => ({ name, sha256: known.get(name) })),
    signatures: model.applied.map((application, i) => ({
      id: application.signature.id,
      ...strengthEntry(application),
      file: toBase64(files[i]!),
    })),
    undo: toBase64(undo),
    header: header && toBase64(header),
  });
  const all = new Map([...metadata, [patchedKey, entry]]);
  checkHeader(headerBytes(model.state, all));
  return all;
}

/** A strength as it stands in the file: lists in ascending order, left out where empty. */
function strengthEntry({ alpha, units, tensors }: Strength) {
  const byUnit = [...(units ?? [])].map(([unit, alpha]) => ({ unit, alpha })).sort((a, b) => a.unit - b.unit);
  const byName = [...(tensors ?? [])].map(([name, alpha]) => ({ name, alpha })).sort(byCodeUnits);
  return {
    alpha,
    ...(byUnit.length === 0 ? {} : { units: byUnit }),
    ...(byName.length === 0 ? {} : { tensors: byName }),
  };
}

function byCodeUnits(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
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
 * Also returns the metadata that the base's file had, and its header where that was kept.
 *
 * @throws {RwsError} `RWS_NOT_PATCHED`, `RWS_FORMAT_UNSUPPORTED`, `RWS_METADATA_INVALID`, `RWS_UNDO_INVALID`;
 * `RWS_UNDO_MISMATCH` when the weights are not what was patched; and what `signatureFromBytes` throws.
 */
export async function openPatched(
  state: StateDict,
  metadata: Metadata,
): Promise<{ model: PatchedModel; metadata: Metadata; header: Uint8Array<ArrayBuffer> | null }> {
  const json = metadata.get(patchedKey);
  if (json === undefined) {
    throw new RwsError(
      'RWS_NOT_PATCHED',
      `the metadata has no entry "${patchedKey}": no signature is applied.`,
    );
  }
  const entry = decodeJson(json, patchedKey, decodePatched);
  const applied: Application[] = [];
  for (const [i, stored] of entry.signatures.entries()) {
    const where = `${patchedKey}.signatures[${i}]`;
    const application = await readApplication(stored, where);
    if (i > 0 && stored.id <= entry.signatures[i - 1]!.id) throw invalid(where, 'not in order of ids');
    checkTouched(application, state);
    applied.push(application);
  }
  const composition = compose(applied, entry.rule);
  const names = composition.touched;
  if (
    applied.length === 0 ||
    JSON.stringify(names) !== JSON.stringify(entry.tensors.map(({ name }) => name))
  ) {
    throw invalid(`${patchedKey}.tensors`, 'not the tensors that its signatures touch');
  }
  const base = new Map([...state, ...decodeUndo(entry.undo, state, composition)]);
  // Hashing goes on in threads while the model is patched anew.
  const known = new Map<string, string>();
  const hashing = hashState(base, known);
  const fingerprints = new Map(entry.tensors.map(({ name, sha256 }) => [name, sha256]));
  const model = patchedModel(base, withTransfers(applied, fingerprints), fingerprints, entry.rule);
  const baseSha256 = await hashing;
  for (const name of names) {
    if (known.get(name) !== fingerprints.get(name)) throw changed(`"${name}"`);
    if (!sameBytes(model.state.get(name)!.bytes, state.get(name)!.bytes)) throw changed(`"${name}"`);
  }
  if (baseSha256 !== entry.base) throw changed('a tensor that no signature touches');
  const own = new Map([...metadata].filter(([key]) => key !== patchedKey));
  if (entry.header !== null && (await withHeader(entry.header, base, own)) === undefined) {
    throw invalid(`${patchedKey}.header`, 'not the header of a file with these tensors and this metadata');
  }
  return { model, metadata: own, header: entry.header };
}

type StoredApplication = ReturnType<typeof decodePatched>['signatures'][number];

/** A signature and its strength out of the metadata, which must say it in the one way that `strengthEntry` does. */
async function readApplication(stored: StoredApplication, where: string): Promise<Application> {
  const signature = await signatureFromBytes(stored.file);
  if (signature.id !== stored.id) throw invalid(where, `its id is ${signature.id}, not ${stored.id}`);
  const application: Application = {
    ...{ signature, alpha: stored.alpha },
    ...(stored.units && { units: new Map(stored.units.map(({ unit, alpha }) => [unit, alpha])) }),
    ...(stored.tensors && { tensors: new Map(stored.tensors.map(({ name, alpha }) => [name, alpha])) }),
  };
  const { alpha, units, tensors } = stored;
  const found = { alpha, ...(units && { units }), ...(tensors && { tensors }) };
  if (canonicalJson(strengthEntry(application)) !== canonicalJson(found)) {
    throw invalid(where, 'units or tensors are empty, listed twice or not in order');
  }
  try {
    checkStrength(signature, application);
  } catch (error) {
    throw invalid(where, (error as Error).message);
  }
  return application;
}

function withTransfers(
  applied: readonly Application[],
  fingerprints: ReadonlyMap<string, string>,
): AppliedSignature[] {
  return applied.map((application) => {
    const { tensors } = application.signature;
    const transferred = tensors.some(({ name, standard }) => fingerprints.get(name) !== standard);
    return { ...application, transferred };
  });
}

function checkTouched({ signature }: Application, state: StateDict): void {
  const [misfit] = misfitsOf(signature, state);
  if (misfit === undefined) return;
  const { shape } = signature.tensors.find(({ name }) => name === misfit.tensor)!;
  throw invalid(
    patchedKey,
    `the model lacks "${misfit.tensor}" as a float tensor of shape [${shape.join(', ')}], which ${signatureLabel(signature)} covers`,
  );
}

function changed(what: string): RwsError {
  return new RwsError(
    'RWS_UNDO_MISMATCH',
    `${what} is not what it was when the file was patched, so the base cannot be restored; use the file as it was saved.`,
  );
}
