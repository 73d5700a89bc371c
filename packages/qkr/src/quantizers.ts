import type { LsqOffsets } from '@proj/ops';
import { type Bits, type LsqQuantizer, lsqProbabilities, lsqTokens, lsqValues } from '@proj/quant-stats';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { QkrSpec } from './spec.ts';

/** One of the activations' quantizers, and where its steps and offsets are. */
export interface Activation {
  /** Name of its steps. */
  readonly step: string;
  /** Names of the offsets before and after; probabilities have none. */
  readonly offsets?: readonly [before: string, after: string];
  readonly quantizer: LsqQuantizer;
}

/** The quantizers of an attention: per token (the keys' per token and head, read as tokens [B, N heads, C]), values per channel. */
export function activations({ activationBits: bits, proj }: QkrSpec) {
  return {
    tokens: {
      step: 'quant_x_4_qkv.input_quant_fn.s',
      offsets: ['quant_x_4_qkv.move_b4.bias', 'quant_x_4_qkv.move_aft.bias'],
      quantizer: lsqTokens(bits),
    },
    keys: {
      step: 'quan_a_qkx_fn.s',
      offsets: ['move_qkx_b4.bias', 'move_qkx_aft.bias'],
      quantizer: lsqTokens(bits),
    },
    values: {
      step: 'quan_a_v_fn.s',
      offsets: ['move_v_b4.bias', 'move_v_aft.bias'],
      quantizer: lsqValues(bits),
    },
    probabilities: { step: 'quan_a_softmax_fn.s', quantizer: lsqProbabilities(bits) },
    proj: {
      step: 'proj.input_quant_fn.s',
      offsets: ['proj.move_b4.bias', 'proj.move_aft.bias'],
      quantizer: lsqTokens(proj?.activation ?? bits),
    },
  } as const satisfies Readonly<Record<string, Activation>>;
}

/** Bits of proj's weight. */
export const projBits = ({ weightBits, proj }: QkrSpec): Bits => proj?.weight ?? weightBits;

export const offsetsOf = ({ offsets }: Activation, get: (name: string) => Tensor): LsqOffsets | undefined =>
  offsets && { before: get(offsets[0]), after: get(offsets[1]) };
