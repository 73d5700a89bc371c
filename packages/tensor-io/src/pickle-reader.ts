import { TensorIoError } from './errors.ts';
import { decodeUtf8 } from './utf8.ts';

/** Longest integer accepted, in bytes; converting takes quadratic time (CWE-407). */
const MAX_LONG_BYTES = 255;

/** Reads the operands of opcodes one after the other, within the bytes at hand. */
export class PickleReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly where: string;
  private at = 0;

  constructor(bytes: Uint8Array, where: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.where = where;
  }

  /** An error at the present position. */
  bad(reason: string): TensorIoError {
    return new TensorIoError(
      'TIO_BAD_PICKLE',
      `${this.where}: ${reason}, before byte ${this.at} of the pickle.`,
    );
  }

  /** Position of the next `length` bytes, consumed. */
  skip(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw this.bad('the pickle ends too early');
    this.at += length;
    return start;
  }

  /** @throws {TensorIoError} `TIO_TRAILING_BYTES` unless everything was read. */
  end(): void {
    const rest = this.bytes.length - this.at;
    if (rest > 0)
      throw new TensorIoError('TIO_TRAILING_BYTES', `${this.where}: ${rest} bytes follow the pickle.`);
  }

  byte(): number {
    return this.bytes[this.skip(1)]!;
  }

  uint16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  uint32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  int32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  uint64(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
  }

  /** Big-endian, unlike all else. */
  float64(): number {
    return this.view.getFloat64(this.skip(8));
  }

  /** A little-endian two's complement integer. */
  long(length: number): number | bigint {
    if (length > MAX_LONG_BYTES) throw this.bad(`an integer of ${length} bytes`);
    const start = this.skip(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[start + i]!);
    value = BigInt.asIntN(8 * length, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.bad('a name without an end');
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  text(length: number): string {
    const start = this.skip(length);
    return decodeUtf8(this.bytes.subarray(start, start + length), `${this.where}: a string of the pickle`);
  }
}
