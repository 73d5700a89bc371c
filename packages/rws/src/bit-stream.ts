/** Bits one after the other, least significant first: bit j of the stream is bit j mod 8 of byte floor(j / 8). */
export class BitWriter {
  private bytes = new Uint8Array(4096);
  private length = 0;
  /** Fewer than 8 bits that are not in `bytes` yet. */
  private pending = 0;
  private pendingBits = 0;

  /** Appends the lowest `bits` (0 to 24) bits of `value`, which has no others. */
  write(value: number, bits: number): void {
    let pending = this.pending | (value << this.pendingBits);
    let pendingBits = this.pendingBits + bits;
    if (this.length + 4 > this.bytes.length) this.grow();
    while (pendingBits >= 8) {
      this.bytes[this.length++] = pending;
      pending >>>= 8;
      pendingBits -= 8;
    }
    this.pending = pending;
    this.pendingBits = pendingBits;
  }

  private grow(): void {
    const longer = new Uint8Array(2 * this.bytes.length);
    longer.set(this.bytes);
    this.bytes = longer;
  }

  /**
   * Appends an integer from 0 to 2^32 − 1 as an exponential Golomb code of order k (0 to 31): with u = value + 2^k of b + 1 bits, b − k
   * ones, a zero, the lowest b bits of u.
   */
  writeGolomb(value: number, k: number): void {
    if (value < 256 && k < 8) {
      // At most 9 + 1 + 8 bits.
      const u = value + (1 << k);
      const b = 31 - Math.clz32(u);
      const low = u ^ (1 << b);
      this.write(((1 << (b - k)) - 1) | (low << (b - k + 1)), 2 * b - k + 1);
      return;
    }
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
    if (this.pendingBits > 0) this.write(0, 8 - this.pendingBits);
    return this.bytes.slice(0, this.length);
  }
}

/** Reads what a `BitWriter` wrote. Beyond the end it reads zeros; `finished` tells. */
export class BitReader {
  private readonly bytes: Uint8Array;
  private at = 0;
  private pending = 0;
  private pendingBits = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Has at least 24 bits pending. */
  private fill(): void {
    while (this.pendingBits < 24) {
      const byte = this.at < this.bytes.length ? this.bytes[this.at]! : 0;
      this.pending |= byte << this.pendingBits;
      this.pendingBits += 8;
      this.at++;
    }
  }

  /** The next `bits` (0 to 24) bits. */
  read(bits: number): number {
    this.fill();
    const value = this.pending & ((1 << bits) - 1);
    this.pending >>>= bits;
    this.pendingBits -= bits;
    return value;
  }

  /** An exponential Golomb code of order k; undefined when it is no code of an integer below 2^32. */
  readGolomb(k: number): number | undefined {
    this.fill();
    const ones = 31 - Math.clz32(~this.pending & -~this.pending);
    const b = k + ones;
    if (ones + 1 + b <= 24) {
      const low = (this.pending >>> (ones + 1)) & ((1 << b) - 1);
      this.pending >>>= ones + 1 + b;
      this.pendingBits -= ones + 1 + b;
      return low + (1 << b) - (1 << k);
    }
    return this.readLongGolomb(k);
  }

  private readLongGolomb(k: number): number | undefined {
    let b = k;
    while (this.read(1) === 1) if (++b > 32) return undefined;
    const low = this.read(Math.min(b, 16));
    const u = 2 ** b + low + (b > 16 ? this.read(b - 16) * 65536 : 0);
    const value = u - 2 ** k;
    return value < 2 ** 32 ? value : undefined;
  }

  /** Whether exactly the whole stream has been read, its unused bits being zero. */
  get finished(): boolean {
    const readBits = 8 * this.at - this.pendingBits;
    return Math.ceil(readBits / 8) === this.bytes.length && this.pending === 0;
  }
}
