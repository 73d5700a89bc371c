import { byteCount, DTYPES, isDType } from './dtype.ts';
import { TensorIoError, type TensorIoErrorCode } from './errors.ts';
import { type Json, type JsonObject, parseJson } from './json.ts';
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
 * `TIO_HOLE`, `TIO_SIZE_MISMATCH`, `TIO_TRUNCATED`, `TIO_TRAILING_BYTES`.
 */
export function validateHeader(header: Uint8Array, fileBytes: number, where: string): SafetensorsHeader {
  if (header[0] !== 0x7b) {
    throw new TensorIoError(
      'TIO_HEADER_START',
      `${where}: the header must start with "{"; most likely this is no safetensors file.`,
    );
  }
  // Text that starts with "{" is an object or no JSON.
  const fields = parseJson(header, `${where}: header`) as JsonObject;
  const metadata = readMetadata(fields.get('__metadata__'), where);
  const dataStart = 8 + header.length;
  const entries: [string, HeaderEntry][] = [];
  for (const [name, entry] of fields) {
    if (name !== '__metadata__') entries.push([name, readEntry(entry, dataStart, tensorAt(where, name))]);
  }
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.byteLength - b.byteLength);
  checkContiguous(entries, dataStart, fileBytes, where);
  return { entries: new Map(entries), metadata };
}

/** Names a tensor of a source in messages. */
export function tensorAt(where: string, name: string): string {
  return `${where}: tensor ${JSON.stringify(name)}`;
}

function readMetadata(value: Json | undefined, where: string): Metadata {
  const metadata = new Map<string, string>();
  if (value === undefined) return metadata;
  if (!(value instanceof Map)) {
    throw new TensorIoError('TIO_BAD_METADATA', `${where}: __metadata__ must be an object of strings.`);
  }
  for (const [key, text] of value) {
    if (typeof text !== 'string') {
      throw new TensorIoError(
        'TIO_BAD_METADATA',
        `${where}: __metadata__ value of ${JSON.stringify(key)} must be a string.`,
      );
    }
    metadata.set(key, text);
  }
  return metadata;
}

function readEntry(entry: Json, dataStart: number, where: string): HeaderEntry {
  if (!(entry instanceof Map)) {
    throw new TensorIoError('TIO_BAD_ENTRY', `${where}: its entry must be an object.`);
  }
  for (const field of entry.keys()) {
    if (field !== 'dtype' && field !== 'shape' && field !== 'data_offsets') {
      throw new TensorIoError('TIO_BAD_ENTRY', `${where}: unknown field ${JSON.stringify(field)}.`);
    }
  }
  const dtype = entry.get('dtype');
  if (!isDType(dtype)) {
    const code = typeof dtype === 'string' ? 'TIO_UNKNOWN_DTYPE' : 'TIO_BAD_ENTRY';
    const got = typeof dtype === 'string' ? JSON.stringify(dtype) : 'no string';
    throw new TensorIoError(code, `${where}: dtype must be one of ${DTYPES.join(', ')}, got ${got}.`);
  }
  const shape = readIntegers(entry.get('shape'), 'TIO_BAD_SHAPE', 'shape', where);
  const offsets = readIntegers(entry.get('data_offsets'), 'TIO_BAD_OFFSETS', 'data_offsets', where);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || offsets.length !== 2 || begin > end) {
    throw new TensorIoError(
      'TIO_BAD_OFFSETS',
      `${where}: data_offsets must be [begin, end] with begin <= end, got [${offsets.join(', ')}].`,
    );
  }
  const byteLength = byteCount(dtype, shape, where);
  if (end - begin !== byteLength) {
    throw new TensorIoError(
      'TIO_SIZE_MISMATCH',
      `${where}: ${dtype} of shape [${shape.join(', ')}] takes ${byteLength} bytes, data_offsets [${begin}, ${end}] span ${end - begin}.`,
    );
  }
  return { dtype, shape, byteLength, begin: dataStart + begin };
}

function readIntegers(
  value: Json | undefined,
  code: TensorIoErrorCode,
  field: string,
  where: string,
): number[] {
  if (!Array.isArray(value)) throw new TensorIoError('TIO_BAD_ENTRY', `${where}: ${field} must be an array.`);
  return value.map((item: Json) => {
    if (typeof item !== 'bigint' || item < 0n) {
      throw new TensorIoError(code, `${where}: ${field} must hold integers of at least 0.`);
    }
    if (item > Number.MAX_SAFE_INTEGER) {
      throw new TensorIoError('TIO_OVERFLOW', `${where}: ${field} holds ${item}, more than 2^53 - 1.`);
    }
    return Number(item);
  });
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
