import type { Bits, LayerBits } from '@proj/quant-stats';
import { QkrError } from './error.ts';

/** The sizes of a self-attention. */
export interface AttentionSizes {
  /** N, the length of the sequence. Steps are learned for each token, so that a model knows one length only. */
  readonly tokens: number;
  /** C, a multiple of the heads. */
  readonly width: number;
  /** H. */
  readonly heads: number;
}

/** How an attention is quantized. */
export interface QkrSpec {
  readonly heads: number;
  /** Bits of the weights: of W_qk, W_v and, unless it has its own, W_proj. */
  readonly weightBits: Bits;
  /** Bits of what these are multiplied with, of keys, values and probabilities. */
  readonly activationBits: Bits;
  /** Bits of proj's weight and input, where a plan has others for it. */
  readonly proj?: LayerBits | undefined;
}

/** Refuses numbers that are no positive integers, and a width that its heads do not divide (`QKR_OPTION_INVALID`). */
export function requireSizes({ tokens, width, heads }: AttentionSizes): void {
  const whole = [tokens, width, heads].every((size) => Number.isSafeInteger(size) && size > 0);
  if (whole && width % heads === 0) return;
  throw new QkrError(
    'QKR_OPTION_INVALID',
    `tokens, width and heads must be positive integers, and width a multiple of heads, got tokens = ${tokens}, width = ${width}, heads = ${heads}.`,
  );
}

/** Refuses bits that the quantizers do not have (`QKR_OPTION_INVALID`). */
export function requireBits(bits: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(bits)) {
    if (value === undefined || [2, 3, 4, 8].includes(value)) continue;
    throw new QkrError('QKR_OPTION_INVALID', `${name} must be 2, 3, 4 or 8, got ${value}.`);
  }
}

/** Refuses a spec with such bits. */
export const requireSpec = ({ weightBits, activationBits, proj }: QkrSpec): void =>
  requireBits({
    weightBits,
    activationBits,
    'proj.weight': proj?.weight,
    'proj.activation': proj?.activation,
  });
