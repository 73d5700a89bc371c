import { RwsError } from './error.ts';

/** Codes 0..levels-1 (unpacked, one a byte) and the float32 range that they divide. */
interface QuantizedValues {
  readonly codes: Uint8Array;
  readonly lo: number;
  readonly hi: number;
}

const round = Math.fround;

/**
 * Asymmetric min–max quantization of one tensor: q = round_half_even((x − lo) / (hi − lo) · (levels − 1)).
 *
 * Every step is rounded to float32, as the paper's code does under PyTorch, so codes agree with it bit for bit.
 * A constant tensor gets code 0 throughout. `levels` is an integer from 2 to 256.
 *
 * @throws {RwsError} `RWS_OUT_OF_RANGE` when hi − lo is no finite float32; `where` names the tensor in the message.
 */
export function quantizeLinear(values: Float32Array, levels: number, where: string): QuantizedValues {
  let lo = values[0] ?? 0;
  let hi = lo;
  for (const value of values) {
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  const range = round(hi - lo);
  if (!Number.isFinite(range)) {
    throw new RwsError(
      'RWS_OUT_OF_RANGE',
      `${where}: values from ${lo} to ${hi} span more than float32 can hold; store it with bits: 32.`,
    );
  }
  const codes = new Uint8Array(values.length);
  if (range > 0) {
    const steps = levels - 1;
    for (let i = 0; i < values.length; i++) {
      codes[i] = roundHalfEven(round(round(round(values[i]! - lo) / range) * steps));
    }
  }
  return { codes, lo, hi };
}

/**
 * The float32 value of every code: x̂ = q / (levels − 1) · (hi − lo) + lo, each step rounded to float32; `lo`
 * throughout when hi = lo.
 */
export function dequantizationTable(levels: number, lo: number, hi: number): Float32Array {
  const range = round(hi - lo);
  return Float32Array.from({ length: levels }, (_, q) => round(round(round(q / (levels - 1)) * range) + lo));
}

/** Bits that a code below `levels` takes in a file. */
export function bitsForLevels(levels: number): number {
  return Math.ceil(Math.log2(levels));
}

/** `Math.round` is half-up; torch.round is half-to-even. `x` is at least 0. */
function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const fraction = x - down;
  return fraction > 0.5 || (fraction === 0.5 && down % 2 === 1) ? down + 1 : down;
}
