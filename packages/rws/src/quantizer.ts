import { atanh, exp2 } from './elementary.ts';
import { RwsError } from './error.ts';

/**
 * How values become codes, tensor by tensor.
 *
 * - `linear`: evenly spaced levels between the smallest and the largest value.
 * - `log`: a sign, and evenly spaced levels of log2|x|. `levels` counts both signs and, where a tensor holds zeros, the
 *   zero: (levels − zero) / 2 magnitudes, rounded down.
 * - `tanh`: evenly spaced levels of tanh(x). For |x| ≪ 1, as in signatures, nearly `linear`.
 * - `sign`: mean|x|·sign(x), one bit (BitDelta, Liu et al., 2024); for tensors of two dimensions or more, vectors stay float32.
 * - `none`: float32.
 *
 * `levels` is an integer from 2 to 256; a code takes ceil(log2(levels)) bits. `linear`, `log` and `tanh` are those of the paper's
 * code.
 */
export type Quantizer =
  | { readonly scheme: 'linear' | 'log' | 'tanh'; readonly levels: number }
  | { readonly scheme: 'sign' }
  | { readonly scheme: 'none' };

export type CodingQuantizer = Exclude<Quantizer, { scheme: 'none' }>;

/** The float32 range that evenly spaced levels divide, and whether a code stands for zero (`log` alone). */
export interface Range {
  readonly lo: number;
  readonly hi: number;
  readonly zero: boolean;
}

/** Codes, unpacked, one a byte. */
export interface QuantizedValues extends Range {
  readonly codes: Uint8Array;
}

const round = Math.fround;

/**
 * Quantizes one tensor. Every step is rounded to float32, as the paper's code does under PyTorch: `linear` codes agree with
 * it bit for bit. A constant tensor is kept exactly by `linear`.
 *
 * @throws {RwsError} `RWS_OUT_OF_RANGE` when the range is no finite float32, or for |x| > 9 under `tanh`, where tanh is 1 in
 * float32; `RWS_OPTION_INVALID` for zeros under `log` with 2 levels. `where` names the tensor in the message.
 */
export function quantize(values: Float32Array, quantizer: CodingQuantizer, where: string): QuantizedValues {
  switch (quantizer.scheme) {
    case 'linear':
      return { ...quantizeLinear(values, quantizer.levels, where), zero: false };
    case 'tanh':
      return quantizeTanh(values, quantizer.levels, where);
    case 'log':
      return quantizeLog(values, quantizer.levels, where);
    case 'sign':
      return quantizeSign(values, where);
  }
}

/** The float32 value of every code below `codeCount(quantizer, range)`. */
export function dequantizationTable(quantizer: CodingQuantizer, range: Range): Float32Array {
  switch (quantizer.scheme) {
    case 'linear':
      return evenLevels(quantizer.levels, range);
    case 'tanh':
      return evenLevels(quantizer.levels, range).map(atanh);
    case 'log': {
      const magnitudes = evenLevels(magnitudeCount(quantizer.levels, range.zero), range).map(exp2);
      return Float32Array.of(...magnitudes, ...magnitudes.map((x) => -x), ...(range.zero ? [0] : []));
    }
    case 'sign':
      return evenLevels(2, range);
  }
}

/** How many codes there are; all of them are below `levels`. */
export function codeCount(quantizer: CodingQuantizer, zero: boolean): number {
  if (quantizer.scheme === 'sign') return 2;
  const { scheme, levels } = quantizer;
  return scheme === 'log' ? 2 * magnitudeCount(levels, zero) + Number(zero) : levels;
}

/** Bits that a code takes. */
export function bitsOf(quantizer: CodingQuantizer): number {
  return quantizer.scheme === 'sign' ? 1 : bitsForLevels(quantizer.levels);
}

/** Bits that a code below `levels` takes. */
export function bitsForLevels(levels: number): number {
  return Math.ceil(Math.log2(levels));
}

/** `linear, 16 levels in 4 bits a value`, as it stands beside every size. */
export function describeQuantizer(quantizer: Quantizer): string {
  switch (quantizer.scheme) {
    case 'none':
      return 'float32';
    case 'sign':
      return 'signs, 1 bit per value';
    default:
      return `${quantizer.scheme}, ${quantizer.levels} levels in ${bitsOf(quantizer)} bits per value`;
  }
}

/** q = round_half_even((x − lo) / (hi − lo) · (levels − 1)); code 0 throughout where hi = lo. */
function quantizeLinear(values: Float32Array, levels: number, where: string): Omit<QuantizedValues, 'zero'> {
  let lo = values[0] ?? 0;
  let hi = lo;
  for (const value of values) {
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  const range = finiteRange(lo, hi, where);
  const codes = new Uint8Array(values.length);
  if (range > 0) {
    const steps = levels - 1;
    for (let i = 0; i < values.length; i++) {
      codes[i] = roundHalfEven(round(round(round(values[i]! - lo) / range) * steps));
    }
  }
  return { codes, lo, hi };
}

function quantizeTanh(values: Float32Array, levels: number, where: string): QuantizedValues {
  const quantized = { ...quantizeLinear(values.map(Math.tanh), levels, where), zero: false };
  if (!dequantizationTable({ scheme: 'tanh', levels }, quantized).every(Number.isFinite)) {
    throw new RwsError(
      'RWS_OUT_OF_RANGE',
      `${where}: some values are so large that their tanh is 1 in float32; use the linear quantizer.`,
    );
  }
  return quantized;
}

/** Code q or, for a negative value, q + m of m magnitudes; 2m stands for zero. A single magnitude is the geometric mean. */
function quantizeLog(values: Float32Array, levels: number, where: string): QuantizedValues {
  const logs = values.filter((x) => x !== 0).map((x) => Math.log2(Math.abs(x)));
  const zero = logs.length < values.length;
  const magnitudes = magnitudeCount(levels, zero);
  if (magnitudes === 0) {
    throw new RwsError(
      'RWS_OPTION_INVALID',
      `${where} holds zeros, for which the log quantizer has no code left with ${levels} levels; use 3 or more.`,
    );
  }
  const mean = logs.reduce((sum, y) => sum + y, 0) / Math.max(logs.length, 1);
  const quantized = quantizeLinear(magnitudes > 1 ? logs : logs.fill(mean), magnitudes, where);
  const codes = new Uint8Array(values.length);
  let next = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] === 0) codes[i] = 2 * magnitudes;
    else codes[i] = quantized.codes[next++]! + (values[i]! < 0 ? magnitudes : 0);
  }
  return { codes, lo: quantized.lo, hi: quantized.hi, zero };
}

/** Code 1 for x >= 0, 0 for x < 0, levels −s and s with s = mean|x|: what leaves the least squared error. */
function quantizeSign(values: Float32Array, where: string): QuantizedValues {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  const hi = round(sum / Math.max(values.length, 1));
  finiteRange(-hi, hi, where);
  const codes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) codes[i] = values[i]! < 0 ? 0 : 1;
  return { codes, lo: -hi, hi, zero: false };
}

/** q / (n − 1) · (hi − lo) + lo, each step rounded to float32; `lo` alone where n = 1, and throughout where hi = lo. */
function evenLevels(n: number, { lo, hi }: Range): Float32Array {
  const range = round(hi - lo);
  const last = Math.max(n - 1, 1);
  return Float32Array.from({ length: n }, (_, q) => round(round(round(q / last) * range) + lo));
}

function magnitudeCount(levels: number, zero: boolean): number {
  return (levels - Number(zero)) >> 1;
}

function finiteRange(lo: number, hi: number, where: string): number {
  const range = round(hi - lo);
  if (Number.isFinite(range)) return range;
  throw new RwsError(
    'RWS_OUT_OF_RANGE',
    `${where}: values from ${lo} to ${hi} span more than float32 can hold; store it as float32.`,
  );
}

/** `Math.round` is half-up; torch.round is half-to-even. `x` is at least 0. */
function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const fraction = x - down;
  return fraction > 0.5 || (fraction === 0.5 && down % 2 === 1) ? down + 1 : down;
}
