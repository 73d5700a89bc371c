// libjpeg's accurate integer DCT ("islow", after Loeffler, Ligtenberg and Moschytz 1989): every rounding counts, since a
// coefficient that rounds to another step moves up to 64 pixels by many levels.

/** `round(x * 2^13)` of the cosines' sums and differences. */
const C0_298631336 = 2446;
const C0_390180644 = 3196;
const C0_541196100 = 4433;
const C0_765366865 = 6270;
const C0_899976223 = 7373;
const C1_175875602 = 9633;
const C1_501321110 = 12299;
const C1_847759065 = 15137;
const C1_961570560 = 16069;
const C2_053119869 = 16819;
const C2_562915447 = 20995;
const C3_072711026 = 25172;

/** Constants have 13 binary places; between the passes values keep 2. */
const places = 13;
const kept = 2;

const descale = (value: number, bits: number): number => (value + (1 << (bits - 1))) >> bits;

/** 8 x 8 samples in [-128, 127] to DCT coefficients times 8, in place. */
export function forwardDct(block: Int32Array): void {
  for (let row = 0; row < 8; row++) forwardPass(block, 8 * row, 1, true);
  for (let column = 0; column < 8; column++) forwardPass(block, column, 8, false);
}

function forwardPass(block: Int32Array, start: number, step: number, first: boolean): void {
  const bits = first ? places - kept : places + kept;
  const [i1, i2, i3, i4] = [start + step, start + 2 * step, start + 3 * step, start + 4 * step];
  const [i5, i6, i7] = [start + 5 * step, start + 6 * step, start + 7 * step];
  const sum07 = block[start]! + block[i7]!;
  const sum16 = block[i1]! + block[i6]!;
  const sum25 = block[i2]! + block[i5]!;
  const sum34 = block[i3]! + block[i4]!;
  const difference07 = block[start]! - block[i7]!;
  const difference16 = block[i1]! - block[i6]!;
  const difference25 = block[i2]! - block[i5]!;
  const difference34 = block[i3]! - block[i4]!;

  const outer = sum07 - sum34;
  const inner = sum16 - sum25;
  const total = sum07 + sum34 + (sum16 + sum25);
  const balance = sum07 + sum34 - (sum16 + sum25);
  block[start] = first ? total << kept : descale(total, kept);
  block[i4] = first ? balance << kept : descale(balance, kept);
  const turn = (inner + outer) * C0_541196100;
  block[i2] = descale(turn + outer * C0_765366865, bits);
  block[i6] = descale(turn - inner * C1_847759065, bits);

  const a = -(difference34 + difference07) * C0_899976223;
  const b = -(difference25 + difference16) * C2_562915447;
  const common = (difference34 + difference16 + difference25 + difference07) * C1_175875602;
  const c = common - (difference34 + difference16) * C1_961570560;
  const d = common - (difference25 + difference07) * C0_390180644;
  block[i7] = descale(difference34 * C0_298631336 + a + c, bits);
  block[i5] = descale(difference25 * C2_053119869 + b + d, bits);
  block[i3] = descale(difference16 * C3_072711026 + b + c, bits);
  block[i1] = descale(difference07 * C1_501321110 + a + d, bits);
}

/** 8 x 8 DCT coefficients to samples around 0, not yet clamped, in place. */
export function inverseDct(block: Int32Array): void {
  for (let column = 0; column < 8; column++) inversePass(block, column, 8, places - kept);
  for (let row = 0; row < 8; row++) inversePass(block, 8 * row, 1, places + kept + 3);
}

function inversePass(block: Int32Array, start: number, step: number, bits: number): void {
  const [i1, i2, i3, i4] = [start + step, start + 2 * step, start + 3 * step, start + 4 * step];
  const [i5, i6, i7] = [start + 5 * step, start + 6 * step, start + 7 * step];
  const turn = (block[i2]! + block[i6]!) * C0_541196100;
  const inner = turn - block[i6]! * C1_847759065;
  const outer = turn + block[i2]! * C0_765366865;
  const sum = (block[start]! + block[i4]!) << places;
  const difference = (block[start]! - block[i4]!) << places;
  const even0 = sum + outer;
  const even3 = sum - outer;
  const even1 = difference + inner;
  const even2 = difference - inner;

  const [x1, x3, x5, x7] = [block[i1]!, block[i3]!, block[i5]!, block[i7]!];
  const a = -(x7 + x1) * C0_899976223;
  const b = -(x5 + x3) * C2_562915447;
  const common = (x7 + x3 + x5 + x1) * C1_175875602;
  const c = common - (x7 + x3) * C1_961570560;
  const d = common - (x5 + x1) * C0_390180644;
  const odd3 = x7 * C0_298631336 + a + c;
  const odd2 = x5 * C2_053119869 + b + d;
  const odd1 = x3 * C3_072711026 + b + c;
  const odd0 = x1 * C1_501321110 + a + d;

  block[start] = descale(even0 + odd0, bits);
  block[i7] = descale(even0 - odd0, bits);
  block[i1] = descale(even1 + odd1, bits);
  block[i6] = descale(even1 - odd1, bits);
  block[i2] = descale(even2 + odd2, bits);
  block[i5] = descale(even2 - odd2, bits);
  block[i3] = descale(even3 + odd3, bits);
  block[i4] = descale(even3 - odd3, bits);
}
