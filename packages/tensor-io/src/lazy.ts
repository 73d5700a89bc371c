import { TensorIoError } from './errors.ts';
import { urlSource } from './remote.ts';
import { headerLength, type TensorInfo, tensorAt, validateHeader } from './safetensors-header.ts';
import { type ByteSource, blobSource, bytesSource, readExactly } from './source.ts';
import type { Metadata, TensorData } from './state.ts';

/** An open safetensors file or set of shards: everything but the tensors' bytes is known and checked. */
export interface OpenSafetensors {
  /** In the order of the bytes in the file. */
  readonly names: readonly string[];
  readonly metadata: Metadata;
  /** @throws {TensorIoError} `TIO_NO_SUCH_TENSOR`. */
  info(name: string): TensorInfo;
  /** Reads one tensor. @throws {TensorIoError} `TIO_NO_SUCH_TENSOR`, `TIO_CLOSED`, `TIO_TRUNCATED` and what the source throws. */
  tensor(name: string): Promise<TensorData>;
  /** Reads the named tensors, or all, one after the other. @throws {TensorIoError} as `tensor` does. */
  state(names?: Iterable<string>): Promise<Map<string, TensorData>>;
  /** Releases the source; reading afterwards throws `TIO_CLOSED`. */
  close(): Promise<void>;
}

/** What `openSafetensors` reads from. */
export type SafetensorsSource = Uint8Array | ArrayBuffer | Blob | URL | ByteSource;

/**
 * Opens a safetensors file wherever its bytes lie and reads only the header; tensors are read when asked for.
 * A URL is read by ranged requests. Tensors of bytes in memory are views of them.
 *
 * @param label name of the file in messages, by default the URL
 * @throws {TensorIoError} as `parseSafetensors` does, `TIO_HTTP`, `TIO_IO`; the source is closed then.
 */
export async function openSafetensors(
  source: SafetensorsSource,
  label = source instanceof URL ? source.href : 'safetensors',
): Promise<OpenSafetensors> {
  const bytes = await byteSource(source, label);
  try {
    return await openSource(bytes, label);
  } catch (error) {
    await bytes.close?.();
    throw error;
  }
}

async function byteSource(source: SafetensorsSource, label: string): Promise<ByteSource> {
  if (source instanceof Uint8Array) return bytesSource(source);
  if (source instanceof ArrayBuffer) return bytesSource(new Uint8Array(source));
  if (source instanceof Blob) return blobSource(source, label);
  if (source instanceof URL) return urlSource(source);
  return source;
}

async function openSource(source: ByteSource, label: string): Promise<OpenSafetensors> {
  const prefix = await readExactly(source, 0, Math.min(8, source.size), label);
  const length = headerLength(prefix, source.size, label);
  const { entries, metadata } = validateHeader(
    await readExactly(source, 8, length, label),
    source.size,
    label,
  );
  let open = true;

  const entry = (name: string) => {
    const found = entries.get(name);
    if (found === undefined) {
      throw new TensorIoError(
        'TIO_NO_SUCH_TENSOR',
        `${label}: no tensor ${JSON.stringify(name)} among ${entries.size}.`,
      );
    }
    return found;
  };
  const tensor = async (name: string): Promise<TensorData> => {
    const { dtype, shape, begin, byteLength } = entry(name);
    if (!open) throw new TensorIoError('TIO_CLOSED', `${label} is closed; open it again to read ${name}.`);
    return { dtype, shape, bytes: await readExactly(source, begin, byteLength, tensorAt(label, name)) };
  };
  return {
    names: [...entries.keys()],
    metadata,
    info(name) {
      const { dtype, shape, byteLength } = entry(name);
      return { dtype, shape, byteLength };
    },
    tensor,
    state: (names = entries.keys()) => collect(names, tensor),
    async close() {
      if (!open) return;
      open = false;
      await source.close?.();
    },
  };
}

/** Tensors read one after the other, so that no more than one read is under way. */
export async function collect(
  names: Iterable<string>,
  tensor: (name: string) => Promise<TensorData>,
): Promise<Map<string, TensorData>> {
  const state = new Map<string, TensorData>();
  for (const name of names) state.set(name, await tensor(name));
  return state;
}
