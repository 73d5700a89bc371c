/** Bits one after the other, least significant first: bit j of the stream is bit j mod 8 of byte floor(j / 8). */
export class BitWriter {
  #bytes = new Uint8Array(4096);
  #length = 0;
  #pending = 0;
  #pendingBits = 0;

  /** Appends the lowest `bits` (0 to 16) bits of `value`, which has no others. */
  write(value: number, bits: number): void {
    this.#pending |= value << this.#pendingBits;
    this.#pendingBits += bits;
    while (this.#pendingBits >= 8) {
      if (this.#length === this.#bytes.length) {
        const longer = new Uint8Array(2 * this.#length);
        longer.set(this.#bytes);
        this.#bytes = longer;
      }
      this.#bytes[this.#length++] = this.#pending;
      this.#pending >>>= 8;
      this.#pendingBits -= 8;
    }
  }

  /**
   * Appends an integer from 0 to 2^32 − 1 as an exponential Golomb code of order k (0 to 16): with u = value + 2^k of b + 1 bits, b − k
   * ones, a zero, the lowest b bits of u.
   */
  writeGolomb(value: number, k: number): void {
    const u = value + 2 ** k;
    const b = u >= 2 ** 32 ? 32 : 31 - Math.clz32(u);
    for (let ones = b - k; ones > 0; ones -= 16) {
      const some = Math.min(ones, 16);
      this.write(2 ** some - 1, some);
    }
    this.write(0, 1);
    if (b > 16) {
      this.write(u & 0xffff, 16);
      this.write(Math.floor(u / 65536) & (2 ** (b - 16) - 1), b - 16);
    } else {
      this.write(u & (2 ** b - 1), b);
    }
  }

  /** The stream; unused bits of its last byte are zero. */
  finish(): Uint8Array<ArrayBuffer> {
    if (this.#pendingBits > 0) this.write(0, 8 - this.#pendingBits);
    return this.#bytes.slice(0, this.#length);
  }
}

/** Reads what a `BitWriter` wrote. Beyond the end it reads zeros; `finished` tells. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #pending = 0;
  #pendingBits = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next `bits` (0 to 16) bits. */
  read(bits: number): number {
    while (this.#pendingBits < bits) {
      this.#pending |= (this.#bytes[this.#at++] ?? 0) << this.#pendingBits;
      this.#pendingBits += 8;
    }
    const value = this.#pending & (2 ** bits - 1);
    this.#pending >>>= bits;
    this.#pendingBits -= bits;
    return value;
  }

  /** An exponential Golomb code of order k; undefined when it is no code of an integer below 2^32. */
  readGolomb(k: number): number | undefined {
    let b = k;
    while (this.read(1) === 1) if (++b > 32) return undefined;
    const low = this.read(Math.min(b, 16));
    const u = 2 ** b + low + (b > 16 ? this.read(b - 16) * 65536 : 0);
    const value = u - 2 ** k;
    return value < 2 ** 32 ? value : undefined;
  }

  /** Whether exactly the whole stream has been read, its unused bits being zero. */
  get finished(): boolean {
    return this.#at === this.#bytes.length && this.#pendingBits < 8 && this.#pending === 0;
  }
}
