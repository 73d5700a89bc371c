/** Images to tokens: [B, channels, imageSize, imageSize] -> [B, N, C]. */
export interface EmbedSpec {
  /** Prefix of the patch projection's parameters. */
  readonly proj: string;
  readonly patchSize: number;
  readonly channels: number;
  readonly imageSize: number;
  /** Parameters [1, 1, C] that stand before the patches, in order: cls, then dist. */
  readonly tokens: readonly string[];
  /** Parameter [1, N, C] added to the whole sequence. */
  readonly position: string;
}

/** x + proj(attention(qkv(LN x))): [B, N, C] -> [B, N, C]. */
export interface AttentionSpec {
  /** Prefix of the LayerNorm's parameters. */
  readonly norm: string;
  /** Prefix before `.qkv` and `.proj`. */
  readonly attn: string;
  readonly heads: number;
  readonly eps: number;
}

/** x + fc2(GELU(fc1(LN x))), token by token: [B, N, C] -> [B, N, C]; in a Swin Transformer of maps [B, S, S, C]. */
export interface MlpSpec {
  /** Prefix of the LayerNorm's parameters. */
  readonly norm: string;
  /** Prefix before the two linear layers: `.fc1` and `.fc2` in timm's ViTs, `.0` and `.3` in torchvision's Swin. */
  readonly mlp: string;
  readonly eps: number;
}

/** Tokens to logits: [B, N, C] -> [B, classes], the mean over the listed heads. */
export interface HeadSpec {
  /** Prefix of the final LayerNorm's parameters. */
  readonly norm: string;
  /** Each head reads one token and has parameters of its own. */
  readonly heads: readonly { readonly head: string; readonly token: number }[];
  readonly eps: number;
}

/**
 * How the parts of a vision transformer compute, at the grain at which computation can be fused.
 *
 * `V` is whatever stands for an activation: a tensor, a slot of a planned execution, a shape to be counted.
 * The forward pass (`vit`) says what is computed from what, and by which names; it never looks into a `V`.
 */
export interface VitLayers<V> {
  embed(images: V, at: EmbedSpec): V;
  attention(x: V, at: AttentionSpec): V;
  mlp(x: V, at: MlpSpec): V;
  head(x: V, at: HeadSpec): V;
}
