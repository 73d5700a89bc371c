import { zipSync } from 'fflate';
import { TensorIoError } from './errors.ts';
import { parseNpy, serializeNpy } from './npy.ts';
import type { StateDict, TensorData } from './state.ts';
import { readZip } from './zip.ts';

const SUFFIX = '.npy';

/** zip archives without zip64 fields end here. */
const MAX_ARCHIVE_BYTES = 2 ** 32 - 1;

/**
 * Reads every array of an `.npz` archive (stored or deflated), under its name without `.npy`.
 *
 * @throws {TensorIoError} as `parseNpy` does, and `TIO_BAD_ZIP`, `TIO_TOO_LARGE`, `TIO_DUPLICATE_NAME`, `TIO_NOT_UTF8`.
 */
export function parseNpz(bytes: Uint8Array, source = 'npz'): Map<string, TensorData> {
  const state = new Map<string, TensorData>();
  for (const [entry, file] of readZip(bytes, source)) {
    const name = entry.endsWith(SUFFIX) ? entry.slice(0, -SUFFIX.length) : entry;
    if (state.has(name)) {
      throw new TensorIoError(
        'TIO_DUPLICATE_NAME',
        `${source}: two arrays are called ${JSON.stringify(name)}.`,
      );
    }
    state.set(name, parseNpy(file.read(), `${source}: array ${JSON.stringify(name)}`));
  }
  return state;
}

/**
 * An `.npz` archive, stored without compression, that `numpy.load` reads. Equal states in equal order give equal bytes.
 *
 * @throws {TensorIoError} as `serializeNpy` does; `TIO_TOO_LARGE` above 4 GiB.
 */
export function serializeNpz(state: StateDict): Uint8Array<ArrayBuffer> {
  // Each entry adds two headers of less than 128 KiB together, its name twice, and the array's own.
  const size = [...state].reduce(
    (sum, [name, { bytes }]) => sum + bytes.length + 2 * name.length + 2 ** 17,
    0,
  );
  if (size > MAX_ARCHIVE_BYTES) {
    throw new TensorIoError(
      'TIO_TOO_LARGE',
      `npz: more than ${MAX_ARCHIVE_BYTES} bytes; write safetensors instead.`,
    );
  }
  const files: Record<string, Uint8Array> = Object.create(null);
  for (const [name, tensor] of state) files[`${name}${SUFFIX}`] = serializeNpy(tensor);
  return zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) });
}
