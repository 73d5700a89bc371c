/** A binary format narrower than float32: `fractionBits` stored bits of the significand, exponent bias `bias`. */
interface NarrowFloat {
  readonly fractionBits: number;
  readonly bias: number;
}

/** IEEE 754 binary16: largest finite value 65504, smallest positive 2^-24. */
const FLOAT16: NarrowFloat = { fractionBits: 10, bias: 15 };

/** bfloat16, the upper half of a float32: largest finite value 3.3895e38, smallest positive 2^-133. */
const BFLOAT16: NarrowFloat = { fractionBits: 7, bias: 127 };

const scratch = new DataView(new ArrayBuffer(8));

/** Floor of log2 of a positive finite number; -1023 for float64's own subnormals. */
function exponentOf(magnitude: number): number {
  scratch.setFloat64(0, magnitude);
  return (scratch.getUint16(0) >>> 4) - 1023;
}

/** Adding 2^52 leaves no room for a fraction, so the addition itself rounds to the nearest integer, ties to even. */
function roundHalfToEven(value: number): number {
  return value + 2 ** 52 - 2 ** 52;
}

/**
 * Bits of the nearest representable value, ties to even, straight from float64, so that nothing is rounded twice.
 * A carry out of the significand lands in the exponent, which is where it belongs.
 */
function encode(value: number, { fractionBits, bias }: NarrowFloat): number {
  const infinity = (2 * bias + 1) << fractionBits;
  if (Number.isNaN(value)) return infinity | (1 << (fractionBits - 1));
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude === Number.POSITIVE_INFINITY) return sign | infinity;
  const exponent = Math.max(exponentOf(magnitude), 1 - bias);
  const units = roundHalfToEven(magnitude * 2 ** (fractionBits - exponent));
  return sign | Math.min(units + ((exponent + bias - 1) << fractionBits), infinity);
}

export function encodeFloat16(value: number): number {
  return encode(value, FLOAT16);
}

export function encodeBfloat16(value: number): number {
  return encode(value, BFLOAT16);
}

/** 2^(e - 25) for each biased exponent of binary16, subnormals sharing the first step. */
const STEPS = Float64Array.from({ length: 31 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));

export function decodeFloat16(bits: number): number {
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction : fraction + 1024) * STEPS[exponent]!;
}

export function decodeBfloat16(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}
