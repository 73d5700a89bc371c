import { DTYPES } from './dtype.ts';
import { TensorIoError } from './errors.ts';
import { checkText } from './names.ts';
import { byCodePoint } from './order.ts';
import { headerLength, MAX_HEADER_BYTES, tensorAt, validateHeader } from './safetensors-header.ts';
import type { Metadata, StateDict, TensorData } from './state.ts';
import { checkTensor } from './tensor.ts';

/**
 * Reads a whole safetensors file; the tensors are views of `bytes`, in the order of the file.
 *
 * @param source name of the file in messages
 * @throws {TensorIoError} as the table of codes in the README says; nothing is returned of a file that breaks any rule.
 */
export function parseSafetensors(
  bytes: Uint8Array,
  source = 'safetensors',
): { state: Map<string, TensorData>; metadata: Metadata } {
  const length = headerLength(bytes.subarray(0, 8), bytes.length, source);
  const { entries, metadata } = validateHeader(bytes.subarray(8, 8 + length), bytes.length, source);
  const state = new Map<string, TensorData>();
  for (const [name, { dtype, shape, begin, byteLength }] of entries) {
    state.set(name, { dtype, shape, bytes: bytes.subarray(begin, begin + byteLength) });
  }
  return { state, metadata };
}

/**
 * A safetensors file in memory, laid out as the reference writer does: widest dtype first, then by name, the header
 * padded with spaces to a multiple of 8 bytes. Equal states give equal bytes.
 *
 * @throws {TensorIoError} `TIO_BAD_NAME` for a name or metadata text that UTF-8 cannot hold and for a tensor called `__metadata__`;
 * `TIO_SIZE_MISMATCH`, `TIO_BAD_SHAPE`, `TIO_OVERFLOW` for a tensor whose bytes and shape disagree; `TIO_HEADER_TOO_LARGE`.
 */
export function serializeSafetensors(
  state: StateDict,
  metadata: Metadata = new Map(),
): Uint8Array<ArrayBuffer> {
  const parts = safetensorsParts(state, metadata);
  const file = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** The same file as consecutive pieces, without a copy of the tensors: header first, then each tensor's bytes. */
export function safetensorsParts(state: StateDict, metadata: Metadata = new Map()): Uint8Array[] {
  const tensors = [...state].sort(
    ([a, { dtype: x }], [b, { dtype: y }]) => DTYPES.indexOf(x) - DTYPES.indexOf(y) || byCodePoint(a, b),
  );
  const fields: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].map(([key, text]) => `${quote(key)}:${quote(text)}`);
    fields.push(`"__metadata__":{${pairs.join(',')}}`);
  }
  let end = 0;
  for (const [name, tensor] of tensors) {
    if (name === '__metadata__') {
      throw new TensorIoError('TIO_BAD_NAME', 'a tensor cannot be called __metadata__; rename it.');
    }
    checkTensor(tensor, tensorAt('safetensors', name));
    const { dtype, shape, bytes } = tensor;
    const begin = end;
    end += bytes.length;
    fields.push(
      `${quote(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]}`,
    );
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  if (header.length - 8 > MAX_HEADER_BYTES) {
    throw new TensorIoError(
      'TIO_HEADER_TOO_LARGE',
      `names, shapes and metadata take ${header.length - 8} bytes, at most ${MAX_HEADER_BYTES} are allowed.`,
    );
  }
  header.set(json, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  // What is written must be readable: the reader's own check has the last word.
  validateHeader(header.subarray(8), header.length + end, 'safetensors');
  return [header, ...tensors.map(([, { bytes }]) => bytes)];
}

function quote(text: string): string {
  checkText(text);
  return JSON.stringify(text);
}
