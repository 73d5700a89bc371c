import type { AttentionSpec, EmbedSpec, MlpSpec } from './layers.ts';

/** Images to a map of normalised tokens: [B, channels, imageSize, imageSize] -> [B, S, S, C], S = imageSize / patchSize. */
export interface StemSpec extends Pick<EmbedSpec, 'proj' | 'patchSize' | 'channels' | 'imageSize'> {
  /** Prefix of the parameters of the LayerNorm after the projection. */
  readonly norm: string;
  readonly eps: number;
}

/** How a map of tokens is cut into windows that attend each within itself. */
export interface WindowSpec {
  /** Height and width of the map, in tokens: a multiple of `size`. */
  readonly side: number;
  /** Height and width of a window, in tokens. */
  readonly size: number;
  /**
   * By how much the map is rolled up and left before it is cut, and back after; in [0, size). Tokens that only the roll has
   * brought together do not see each other: -100 is added to their scores.
   */
  readonly shift: number;
  /** Parameter [(2 size - 1)², heads], added to the scores by the relative position of query and key. */
  readonly bias: string;
}

/** x + proj(attention(qkv(LN x))) within windows: [B, S, S, C] -> [B, S, S, C]. */
export interface WindowAttentionSpec extends AttentionSpec {
  readonly window: WindowSpec;
}

/** reduction(LN(2 x 2 tokens side by side)): [B, S, S, C] -> [B, S / 2, S / 2, 2 C]. */
export interface MergeSpec {
  /** Prefix of the LayerNorm's parameters [4 C]. */
  readonly norm: string;
  /** Prefix of a weight [2 C, 4 C] without a bias. The four tokens are in the order top left, bottom left, top right, bottom right. */
  readonly reduction: string;
  readonly eps: number;
  /** Height and width S of the map. */
  readonly side: number;
}

/** head(mean over the tokens of LN x): [B, S, S, C] -> [B, classes]. */
export interface PooledHeadSpec {
  readonly norm: string;
  readonly head: string;
  readonly eps: number;
}

/**
 * How the parts of a Swin Transformer compute, as `VitLayers` says it for a ViT. Tokens keep their places in a map [B, S, S, C],
 * rows of it first; what windows do to their order stays within `attention`.
 */
export interface SwinLayers<V> {
  embed(images: V, at: StemSpec): V;
  attention(x: V, at: WindowAttentionSpec): V;
  mlp(x: V, at: MlpSpec): V;
  merge(x: V, at: MergeSpec): V;
  head(x: V, at: PooledHeadSpec): V;
}
