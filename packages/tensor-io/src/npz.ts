import { zipSync } from 'fflate';
import { TensorIoError } from './errors.ts';
import { checkText } from './names.ts';
import { parseNpy, serializeNpy } from './npy.ts';
import type { StateDict, TensorData } from './state.ts';
import { readZip } from './zip.ts';

const SUFFIX = '.npy';

/** What a zip archive without zip64 fields can hold: bytes, entries, bytes of a name. */
const MAX_ARCHIVE_BYTES = 2 ** 32 - 1;
const MAX_ENTRIES = 65_535;
const MAX_NAME_BYTES = 65_535;

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
 * @throws {TensorIoError} as `serializeNpy` does; `TIO_TOO_LARGE` above 4 GiB or 65,535 arrays; `TIO_BAD_NAME` for a name that
 * UTF-8 cannot hold or longer than 65,531 bytes.
 */
export function serializeNpz(state: StateDict): Uint8Array<ArrayBuffer> {
  // An upper bound: each entry adds two zip headers with its name, and the array's own header with its shape.
  const size = [...state].reduce(
    (sum, [name, { shape, bytes }]) => sum + bytes.length + 320 + 6 * name.length + 18 * shape.length,
    0,
  );
  if (state.size > MAX_ENTRIES || size > MAX_ARCHIVE_BYTES) {
    throw new TensorIoError(
      'TIO_TOO_LARGE',
      `npz: ${state.size} arrays of ${size} bytes with their headers, at most ${MAX_ENTRIES} of ${MAX_ARCHIVE_BYTES} fit; write safetensors instead.`,
    );
  }
  const files: Record<string, Uint8Array> = Object.create(null);
  for (const [name, tensor] of state) {
    const entry = `${name}${SUFFIX}`;
    checkText(entry);
    if (new TextEncoder().encode(entry).length > MAX_NAME_BYTES) {
      throw new TensorIoError(
        'TIO_BAD_NAME',
        `npz: a name of ${name.length} characters does not fit a zip archive.`,
      );
    }
    files[entry] = serializeNpy(tensor);
  }
  return zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) });
}
