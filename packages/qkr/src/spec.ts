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
  /** Bits of the weights: of W_qk, W_v and W_proj. From 2 to 8. */
  readonly weightBits: number;
  /** Bits of what these are multiplied with, of keys, values and probabilities. From 2 to 8. */
  readonly activationBits: number;
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

/** Refuses bits that are no integers from 2 to 8 (`QKR_OPTION_INVALID`). */
export function requireBits(bits: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(bits)) {
    if (Number.isInteger(value) && value >= 2 && value <= 8) continue;
    throw new QkrError('QKR_OPTION_INVALID', `${name} must be an integer from 2 to 8, got ${value}.`);
  }
}
