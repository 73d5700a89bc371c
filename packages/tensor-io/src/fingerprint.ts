import { TensorIoError } from './errors.ts';
import { byCodePoint } from './order.ts';
import type { StateDict, TensorData } from './state.ts';
import { checkTensor } from './tensor.ts';

/**
 * SHA-256 of bytes, as 64 lower-case hexadecimal digits.
 *
 * @throws {TensorIoError} `TIO_NO_CRYPTO` where WebCrypto is missing, as on web pages served over plain HTTP.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) {
    throw new TensorIoError(
      'TIO_NO_CRYPTO',
      'sha256 needs WebCrypto (crypto.subtle), which browsers offer only to secure pages: use https or localhost.',
    );
  }
  // WebCrypto takes no shared memory, and tfjs-wasm's heap may be shared.
  const own =
    bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
  const digest = new Uint8Array(await subtle.digest('SHA-256', own));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Fingerprint of one tensor: SHA-256 of the text `DTYPE[d0,d1,...]:` followed by the SHA-256 of its bytes in hexadecimal,
 * e.g. of `F32[2,3]:9f86d0...`. Equal exactly when dtype, shape and every bit are.
 *
 * @throws {TensorIoError} `TIO_SIZE_MISMATCH`, `TIO_BAD_SHAPE`, `TIO_OVERFLOW`, `TIO_NO_CRYPTO`.
 */
export async function tensorSha256(tensor: TensorData): Promise<string> {
  checkTensor(tensor, 'tensorSha256');
  const { dtype, shape, bytes } = tensor;
  return sha256Text(`${dtype}[${shape.join(',')}]:${await sha256(bytes)}`);
}

/**
 * Fingerprint of a state dict: SHA-256 of one line per tensor, `["name","tensor fingerprint"]` as JSON and a line feed,
 * sorted by the code points of the names. It depends neither on the order of the map nor on the file it came from.
 *
 * @throws {TensorIoError} `TIO_SIZE_MISMATCH`, `TIO_BAD_SHAPE`, `TIO_OVERFLOW`, `TIO_NO_CRYPTO`.
 */
export async function stateSha256(state: StateDict): Promise<string> {
  let lines = '';
  for (const [name, tensor] of [...state].sort(([a], [b]) => byCodePoint(a, b))) {
    lines += `${JSON.stringify([name, await tensorSha256(tensor)])}\n`;
  }
  return sha256Text(lines);
}

function sha256Text(text: string): Promise<string> {
  return sha256(new TextEncoder().encode(text));
}
