import { type Bits, requireBits } from './bits.ts';

/** StatsQ: the scale of what shares one is twice the mean of its magnitudes, in every pass anew; it is no parameter. */
export interface StatsqQuantizer {
  readonly method: 'statsq';
  /** What it is for, for messages. */
  readonly name: string;
  readonly bits: Bits;
  readonly rank: 2 | 3 | 4;
}

/** LSQ: the step of what shares one is learned. */
export interface LsqQuantizer {
  readonly method: 'lsq';
  /** What it is for, for messages. */
  readonly name: string;
  readonly bits: Bits;
  /** Codes -2^(b-1) .. 2^(b-1) - 1, else 0 .. 2^b - 1. */
  readonly signed: boolean;
  readonly rank: 2 | 3 | 4;
  /** Elements with the same index along this axis share a step; counted from the end where negative. `all`: one step. */
  readonly axis: number | 'all';
  /**
   * How its steps start: c mean|x| / sqrt(Q_p) with this c, which is 2, or 4 where all values are positive and the reference knows it
   * beforehand; or as LSQ+ starts those of weights.
   */
  readonly start: 2 | 4 | 'lsq+';
}

export type Quantizer = StatsqQuantizer | LsqQuantizer;

/** Weights [out, in], a scale for each row (`StatsQuantizer`): every linear layer inside an OFQ model. */
export const statsq2d = (bits: Bits): StatsqQuantizer => statsqOf('a weight [out, in]', bits, 2);

/** Weights [A, G, C], a scale for each index of G (`StatsQuantizer`, its 3-D branch, which the published models do not use). */
export const statsq3d = (bits: Bits): StatsqQuantizer => statsqOf('a weight [A, G, C]', bits, 3);

/** Tensors [B, H, N, C], a scale for each index of N (`StatsQuantizer_4d`, which the published models do not use). */
export const statsq4d = (bits: Bits): StatsqQuantizer => statsqOf('a weight [B, H, N, C]', bits, 4);

/** Weights [out, in], a step for each row (`LsqQuantizerWeight`): heads, and every layer of the LSQ baseline. */
export const lsqRows = (bits: Bits): LsqQuantizer => lsqOf('a weight [out, in]', bits, true, 2, 0);

/**
 * Weights [out, in], a step for each row, as LSQ+ has them (Bhalgat et al. 2020, section 3): quantized and learned as `lsqRows`, symmetric
 * and signed, but its steps start from the spread of the weights. (LSQ+'s offsets are for activations; here all have some.)
 */
export const lsqPlusRows = (bits: Bits): LsqQuantizer => ({ ...lsqRows(bits), start: 'lsq+' });

/** Weights [out, in], one step (`LsqQuantizerWeight` without `per_channel`). */
export const lsqTensor = (bits: Bits): LsqQuantizer => lsqOf('a weight [out, in]', bits, true, 2, 'all');

/** Weights [out, in, h, w] of a convolution, a step for each output channel (`LsqQuantizer4Conv2d`): the patch embedding's. */
export const lsqConvolution = (bits: Bits): LsqQuantizer =>
  lsqOf('a weight [out, in, h, w]', bits, true, 4, 0);

/** Tokens [B, N, C], a step for each of N (`LsqQuantizer`): inputs of linear layers; QKR's z as [B, N H, C]. Unsigned after a GELU. */
export const lsqTokens = (bits: Bits, signed = true): LsqQuantizer =>
  lsqOf('tokens [B, N, C]', bits, signed, 3, -2);

/** Values [B, N, C], a step for each channel (`LsqQuantizer4v`). */
export const lsqValues = (bits: Bits): LsqQuantizer => lsqOf('values [B, N, C]', bits, true, 3, -1);

/** Probabilities [B, H, N, N], unsigned, a step for each query (`LsqQuantizer`, 4-D). */
export const lsqProbabilities = (bits: Bits): LsqQuantizer =>
  lsqOf('probabilities [B, H, N, N]', bits, false, 4, -2);

/** Queries or keys [B, H, N, d] of attention without QKR, a step for each of N (`LsqQuantizer`, 4-D). */
export const lsqQueriesKeys = (bits: Bits): LsqQuantizer =>
  lsqOf('queries or keys [B, H, N, d]', bits, true, 4, -2);

/** Swin's feature maps [B, H, W, C], a step for each column W (`LsqQuantizer`, 4-D). Unsigned after a GELU. */
export const lsqColumns = (bits: Bits, signed = true): LsqQuantizer =>
  lsqOf('a feature map [B, H, W, C]', bits, signed, 4, -2);

/** Images [B, channels, H, W], a step for each channel (`LsqQuantizer4img`). The sign is found in the data: see `imageIsSigned`. */
export const lsqImage = (bits: Bits, signed: boolean): LsqQuantizer => ({
  ...lsqOf('images [B, channels, H, W]', bits, signed, 4, 1),
  start: 2,
});

/** Features [B, C] in front of a head, one step (`LsqQuantizer4head_input`). */
export const lsqFeatures = (bits: Bits): LsqQuantizer => lsqOf('features [B, C]', bits, true, 2, 'all');

function statsqOf(name: string, bits: Bits, rank: 2 | 3 | 4): StatsqQuantizer {
  requireBits(`StatsQ of ${name}`, bits);
  return { method: 'statsq', name, bits, rank };
}

function lsqOf(
  name: string,
  bits: Bits,
  signed: boolean,
  rank: 2 | 3 | 4,
  axis: number | 'all',
): LsqQuantizer {
  requireBits(`LSQ of ${name}`, bits);
  return { method: 'lsq', name, bits, signed, rank, axis, start: signed ? 2 : 4 };
}
