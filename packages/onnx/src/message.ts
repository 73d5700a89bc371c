const encoder = new TextEncoder();

/** How a field's value is laid out, the lowest three bits of its key. */
const wire = { varint: 0, lengthDelimited: 2, fixed32: 5 } as const;

/**
 * A protobuf message in the making: fields stand in the order of the calls, repeated ones one by one.
 *
 * Bytes are kept by reference until `toBytes` copies them once, so that weights are not copied level by level.
 */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  /** An int32, int64 or enum; negative ones take ten bytes, in two's complement. */
  integer(field: number, value: number): this {
    this.#key(field, wire.varint);
    return this.#append(varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#key(field, wire.fixed32);
    return this.#append(bytes);
  }

  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#key(field, wire.lengthDelimited);
    return this.#append(varint(value.length)).#append(value);
  }

  message(field: number, value: Message): this {
    this.#key(field, wire.lengthDelimited);
    this.#append(varint(value.byteLength));
    for (const part of value.#parts) this.#append(part);
    return this;
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#byteLength);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #key(field: number, type: number): void {
    this.#append(varint(field * 8 + type));
  }

  #append(part: Uint8Array): this {
    this.#parts.push(part);
    this.#byteLength += part.length;
    return this;
  }
}

/** Seven bits a byte, the lowest first; the highest bit says that more follow. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
