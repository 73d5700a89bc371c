import { TensorIoError } from './errors.ts';

function checkBits(bits: number): void {
  if (!Number.isInteger(bits) || bits < 1 || bits > 8) {
    throw new TensorIoError('TIO_BAD_BITS', `bits must be an integer from 1 to 8, got ${bits}.`);
  }
}

/** Bytes that `count` codes of `bits` bits take: the last byte is filled up with zero bits. */
function packedBytes(bits: number, count: number): number {
  return Math.ceil((bits * count) / 8);
}

/**
 * Packs codes of 1 to 8 bits each, one after the other without gaps, least significant bit first: code i occupies bits
 * i * bits to (i + 1) * bits - 1 of the stream, and bit j of the stream is bit j mod 8 of byte floor(j / 8).
 * Unused bits of the last byte are zero.
 *
 * @throws {TensorIoError} `TIO_BAD_BITS` for bits outside 1 to 8, `TIO_BAD_VALUE` for a code of 2^bits or more.
 */
export function packBits(codes: Uint8Array, bits: number): Uint8Array {
  checkBits(bits);
  const packed = new Uint8Array(packedBytes(bits, codes.length));
  let pending = 0;
  let pendingBits = 0;
  let at = 0;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!;
    if (code >>> bits !== 0) {
      throw new TensorIoError('TIO_BAD_VALUE', `code ${code} at ${i} does not fit into ${bits} bits.`);
    }
    pending |= code << pendingBits;
    pendingBits += bits;
    if (pendingBits >= 8) {
      packed[at++] = pending;
      pending >>>= 8;
      pendingBits -= 8;
    }
  }
  if (pendingBits > 0) packed[at] = pending;
  return packed;
}

/**
 * The `count` codes that `packBits` packed.
 *
 * @throws {TensorIoError} `TIO_BAD_BITS` for bits outside 1 to 8, `TIO_SIZE_MISMATCH` when `bytes` is not exactly as long as
 * `count` codes take, `TIO_BAD_VALUE` when an unused bit of the last byte is set.
 */
export function unpackBits(bytes: Uint8Array, bits: number, count: number): Uint8Array {
  checkBits(bits);
  const expected = packedBytes(bits, count);
  if (!Number.isSafeInteger(count) || count < 0 || bytes.length !== expected) {
    throw new TensorIoError(
      'TIO_SIZE_MISMATCH',
      `${count} codes of ${bits} bits take ${expected} bytes, got ${bytes.length}.`,
    );
  }
  const codes = new Uint8Array(count);
  const mask = (1 << bits) - 1;
  let pending = 0;
  let pendingBits = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (pendingBits < bits) {
      pending |= bytes[at++]! << pendingBits;
      pendingBits += 8;
    }
    codes[i] = pending & mask;
    pending >>>= bits;
    pendingBits -= bits;
  }
  if (pending !== 0) {
    throw new TensorIoError('TIO_BAD_VALUE', 'unused bits after the last code are set; they must be zero.');
  }
  return codes;
}
