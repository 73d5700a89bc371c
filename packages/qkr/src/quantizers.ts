import type { LsqOffsets, LsqSpec } from '@proj/ops';
import { abs, mean, mul, reshape, type Tensor } from '@tensorflow/tfjs-core';
import { QkrError } from './error.ts';
import type { AttentionSizes } from './spec.ts';

/** One of the activations' quantizers: where its steps and offsets are, and what shares a step. */
export interface Quantizer {
  /** Name of its steps. */
  readonly step: string;
  /** Names of the offsets before and after; probabilities have none. */
  readonly offsets?: readonly [before: string, after: string];
  /** G, the number of steps. */
  readonly groups: number;
  /** Neighbouring elements that share a step, as `LsqSpec` has it. */
  readonly inner: number;
  readonly signed: boolean;
}

/** The quantizers of an attention (table in section 1.4 of the specification): per token, keys per token and head, values per channel. */
export function quantizers({ tokens, width, heads }: AttentionSizes) {
  const token = { groups: tokens, inner: width, signed: true };
  return {
    tokens: {
      step: 'quant_x_4_qkv.input_quant_fn.s',
      offsets: ['quant_x_4_qkv.move_b4.bias', 'quant_x_4_qkv.move_aft.bias'],
      ...token,
    },
    keys: {
      step: 'quan_a_qkx_fn.s',
      offsets: ['move_qkx_b4.bias', 'move_qkx_aft.bias'],
      ...token,
      groups: tokens * heads,
    },
    values: {
      step: 'quan_a_v_fn.s',
      offsets: ['move_v_b4.bias', 'move_v_aft.bias'],
      groups: width,
      inner: 1,
      signed: true,
    },
    probabilities: { step: 'quan_a_softmax_fn.s', groups: tokens, inner: tokens, signed: false },
    proj: {
      step: 'proj.input_quant_fn.s',
      offsets: ['proj.move_b4.bias', 'proj.move_aft.bias'],
      ...token,
    },
  } as const satisfies Readonly<Record<string, Quantizer>>;
}

/** A quantizer of `bits` bits on `size` elements; its gradient scale is 1 / sqrt(high M), M the number of elements that share a step. */
export function lsqSpec({ groups, inner, signed }: Quantizer, bits: number, size: number): LsqSpec {
  const [low, high] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return { inner, low, high, gradientScale: 1 / Math.sqrt((high * size) / groups) };
}

export const offsetsOf = ({ offsets }: Quantizer, get: (name: string) => Tensor): LsqOffsets | undefined =>
  offsets && { before: get(offsets[0]), after: get(offsets[1]) };

/**
 * The steps that LSQ starts with on the data x it is to quantize: c mean |x| / sqrt(high) over those that share one, c = 2, or 4 where
 * nothing is negative.
 *
 * @throws {QkrError} QKR_INPUT_INVALID where one is not finite.
 */
export function initialStep(x: Tensor, { step, groups, inner, signed }: Quantizer, bits: number): Tensor {
  const { high } = lsqSpec({ step, groups, inner, signed }, bits, x.size);
  const grouped = reshape(x, [x.size / (groups * inner), groups, inner]);
  const steps = mul(mean(abs(grouped), [0, 2]), (signed ? 2 : 4) / Math.sqrt(high));
  if (steps.dataSync().every(Number.isFinite)) return steps;
  throw new QkrError(
    'QKR_INPUT_INVALID',
    `"${step}" cannot start from data that are NaN or infinite; look at the batch and at the weights before this quantizer.`,
  );
}
