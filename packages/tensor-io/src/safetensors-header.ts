import { byteCount, DTYPES, isDType, MAX_RANK } from './dtype.ts';
import { TensorIoError, type TensorIoErrorCode } from './errors.ts';
import { JsonReader } from './json.ts';
import type { DType, Metadata } from './state.ts';

/** Longest header accepted, in bytes, as in the reference implementation: it bounds what is allocated (CWE-770). */
export const MAX_HEADER_BYTES = 100_000_000;

/** What a file says of one tensor without its bytes. */
export interface TensorInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Length of the tensor's bytes. */
  readonly byteLength: number;
}

/** A tensor's entry in a header: `begin` counts from the start of the file. */
interface HeaderEntry extends TensorInfo {
  readonly begin: number;
}

export interface SafetensorsHeader {
  /** In the order of the bytes in the file. */
  readonly entries: ReadonlyMap<string, HeaderEntry>;
  readonly metadata: Metadata;
}

/**
 * Length of the JSON header, from the first 8 bytes of a file of `fileBytes` bytes.
 *
 * @throws {TensorIoError} `TIO_TRUNCATED` when the file is shorter than 8 bytes or than its header, `TIO_HEADER_TOO_LARGE`.
 */
export function headerLength(prefix: Uint8Array, fileBytes: number, where: string): number {
  if (prefix.length < 8) {
    throw new TensorIoError(
      'TIO_TRUNCATED',
      `${where}: ${fileBytes} bytes are no safetensors file; it starts with an 8-byte header length.`,
    );
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw new TensorIoError(
      'TIO_HEADER_TOO_LARGE',
      `${where}: header of ${length} bytes, at most ${MAX_HEADER_BYTES} are accepted; most likely this is no safetensors file.`,
    );
  }
  if (8 + Number(length) > fileBytes) {
    throw new TensorIoError(
      'TIO_TRUNCATED',
      `${where}: header of ${length} bytes in a file of ${fileBytes}; the file is cut off or damaged.`,
    );
  }
  return Number(length);
}

/**
 * The one place where headers are checked; every reader and the writer go through it.
 *
 * @param header the JSON that follows the 8-byte length
 * @param fileBytes size of the whole file
 * @throws {TensorIoError} `TIO_HEADER_START`, `TIO_NOT_UTF8`, `TIO_BAD_JSON`, `TIO_TOO_DEEP`, `TIO_DUPLICATE_NAME`,
 * `TIO_BAD_METADATA`, `TIO_BAD_ENTRY`, `TIO_UNKNOWN_DTYPE`, `TIO_BAD_SHAPE`, `TIO_OVERFLOW`, `TIO_BAD_OFFSETS`, `TIO_OVERLAP`,
 * `TIO_HOLE`, `TIO_SIZE_MISMATCH`, `TIO_TRUNCATED`, `TIO_TRAILING_BYTES`; `TIO_TOO_LARGE` for more than 64 axes or a million
 * tensors.
 */
export function validateHeader(header: Uint8Array, fileBytes: number, where: string): SafetensorsHeader {
  if (header[0] !== 0x7b) {
    throw new TensorIoError(
      'TIO_HEADER_START',
      `${where}: the header must start with "{"; most likely this is no safetensors file.`,
    );
  }
  const json = new JsonReader(header, `${where}: header`);
  const dataStart = 8 + header.length;
  const entries: [string, HeaderEntry][] = [];
  let metadata: Metadata = new Map();
  json.object((name) => {
    if (name === '__metadata__') metadata = readMetadata(json, where);
    else entries.push([name, readEntry(json, dataStart, tensorAt(where, name))]);
  });
  json.end();
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.byteLength - b.byteLength);
  checkContiguous(entries, dataStart, fileBytes, where);
  return { entries: new Map(entries), metadata };
}

/** Names a tensor of a source in messages. */
export function tensorAt(where: string, name: string): string {
  return `${where}: tensor ${JSON.stringify(name)}`;
}

function readMetadata(json: JsonReader, where: string): Metadata {
  if (!json.is('{')) {
    throw new TensorIoError('TIO_BAD_METADATA', `${where}: __metadata__ must be an object of strings.`);
  }
  const metadata = new Map<string, string>();
  json.object((key) => {
    if (!json.is('"')) {
      throw new TensorIoError(
        'TIO_BAD_METADATA',
        `${where}: __metadata__ value of ${JSON.stringify(key)} must be a string.`,
      );
    }
    metadata.set(key, json.string());
  });
  return metadata;
}

function readEntry(json: JsonReader, dataStart: number, where: string): HeaderEntry {
  if (!json.is('{')) throw new TensorIoError('TIO_BAD_ENTRY', `${where}: its entry must be an object.`);
  let dtype: DType | undefined;
  let shape: readonly number[] | undefined;
  let offsets: readonly [number, number] | undefined;
  json.object((field) => {
    if (field === 'dtype') dtype = readDType(json, where);
    else if (field === 'shape') shape = readShape(json, where);
    else if (field === 'data_offsets') offsets = readOffsets(json, where);
    else {
      json.skip();
      throw new TensorIoError('TIO_BAD_ENTRY', `${where}: unknown field ${JSON.stringify(field)}.`);
    }
  });
  if (dtype === undefined || shape === undefined || offsets === undefined) {
    throw new TensorIoError('TIO_BAD_ENTRY', `${where}: its entry lacks dtype, shape or data_offsets.`);
  }
  const [begin, end] = offsets;
  const byteLength = byteCount(dtype, shape, where);
  if (end - begin !== byteLength) {
    throw new TensorIoError(
      'TIO_SIZE_MISMATCH',
      `${where}: ${dtype} of shape [${shape.join(', ')}] takes ${byteLength} bytes, data_offsets [${begin}, ${end}] span ${end - begin}.`,
    );
  }
  return { dtype, shape, byteLength, begin: dataStart + begin };
}

function readDType(json: JsonReader, where: string): DType {
  const name = json.is('"') ? json.string() : undefined;
  if (isDType(name)) return name;
  const code = name === undefined ? 'TIO_BAD_ENTRY' : 'TIO_UNKNOWN_DTYPE';
  const got = name === undefined ? 'no string' : JSON.stringify(name);
  throw new TensorIoError(code, `${where}: dtype must be one of ${DTYPES.join(', ')}, got ${got}.`);
}

function readShape(json: JsonReader, where: string): number[] {
  return readIntegers(json, 'TIO_BAD_SHAPE', 'shape', where, MAX_RANK, () => {
    throw new TensorIoError('TIO_TOO_LARGE', `${where}: a shape of more than ${MAX_RANK} axes.`);
  });
}

function readOffsets(json: JsonReader, where: string): readonly [number, number] {
  const refuse = (got: string): never => {
    throw new TensorIoError(
      'TIO_BAD_OFFSETS',
      `${where}: data_offsets must be [begin, end] with begin <= end, got ${got}.`,
    );
  };
  const offsets = readIntegers(json, 'TIO_BAD_OFFSETS', 'data_offsets', where, 2, () =>
    refuse('more than two'),
  );
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || begin > end) return refuse(`[${offsets.join(', ')}]`);
  return [begin, end];
}

/** At most `limit` integers of at least 0; one more calls `tooMany`, which throws. */
function readIntegers(
  json: JsonReader,
  code: TensorIoErrorCode,
  field: string,
  where: string,
  limit: number,
  tooMany: () => never,
): number[] {
  if (!json.is('[')) throw new TensorIoError('TIO_BAD_ENTRY', `${where}: ${field} must be an array.`);
  const integers: number[] = [];
  json.array(() => {
    if (integers.length === limit) tooMany();
    const item = json.integer();
    if (item === undefined || item < 0n) {
      throw new TensorIoError(code, `${where}: ${field} must hold integers of at least 0.`);
    }
    if (item > Number.MAX_SAFE_INTEGER) {
      throw new TensorIoError('TIO_OVERFLOW', `${where}: ${field} holds ${item}, more than 2^53 - 1.`);
    }
    integers.push(Number(item));
  });
  return integers;
}

function checkContiguous(
  entries: readonly [string, HeaderEntry][],
  dataStart: number,
  fileBytes: number,
  where: string,
): void {
  let end = dataStart;
  for (const [name, { begin, byteLength }] of entries) {
    const place = `${tensorAt(where, name)} starts at byte ${begin - dataStart} of the data`;
    if (begin < end) {
      throw new TensorIoError('TIO_OVERLAP', `${place}, inside the tensor before it.`);
    }
    if (begin > end) {
      throw new TensorIoError('TIO_HOLE', `${place}, after ${begin - end} bytes that belong to no tensor.`);
    }
    end = begin + byteLength;
    if (end > fileBytes) {
      throw new TensorIoError(
        'TIO_TRUNCATED',
        `${place} and ends ${end - fileBytes} bytes after the end of the file, which is cut off or damaged.`,
      );
    }
  }
  if (end < fileBytes) {
    throw new TensorIoError(
      'TIO_TRAILING_BYTES',
      `${where}: ${fileBytes - end} bytes follow the last tensor.`,
    );
  }
}
