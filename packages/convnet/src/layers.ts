/** Normalised images [B, channels, imageSize, imageSize] to the first map, in whatever layout the layers keep maps. */
export interface ImagesSpec {
  readonly channels: number;
  readonly imageSize: number;
}

/** relu(norm(convolution x) + residual), with the parts that are there: a map to a map. */
export interface ConvSpec {
  /** Prefix of the filter `.weight` [outChannels, inChannels, kernel, kernel] and, where `bias`, of `.bias` [outChannels]. */
  readonly conv: string;
  readonly bias: boolean;
  /** Prefix of the batch normalisation's `.weight`, `.bias`, `.running_mean` and `.running_var` [outChannels], if there is one. */
  readonly norm: string | undefined;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Height and width of the filter. */
  readonly kernel: number;
  readonly stride: number;
  /** Zeros around the map, on every side. */
  readonly padding: number;
  readonly relu: boolean;
}

/** The maximum of each window, as if minus infinity stood around the map. */
export interface MaxPoolSpec {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

/** Option A of He et al. 2016: every second pixel of every second row, between `padding` channels of zeros before and behind. */
export interface SubsampleSpec {
  /** Of the map that comes in; even. */
  readonly side: number;
  readonly inChannels: number;
  readonly padding: number;
}

/** Features to logits [B, classes]: averages, then linear layers on what channel-first order makes of it. */
export interface HeadSpec {
  /** Height and width of the features, a multiple of `pool`. */
  readonly side: number;
  /** Height and width of the averages. */
  readonly pool: number;
  /** From the first to the last, which has no ReLU. */
  readonly linears: readonly LinearSpec[];
  /** Share of each hidden layer's values that is dropped in training. */
  readonly dropout: number;
}

export interface LinearSpec {
  /** Prefix of `.weight` [outFeatures, inFeatures] and `.bias` [outFeatures]. */
  readonly linear: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/**
 * How the parts of a convolutional network compute, at the grain at which computation can be fused.
 *
 * `V` is whatever stands for an activation: a tensor, a slot of a planned execution, a shape to be counted.
 * The forward pass (`convnet`) says what is computed from what, and by which names; it never looks into a `V`.
 */
export interface ConvnetLayers<V> {
  images(images: V, at: ImagesSpec): V;
  conv(x: V, at: ConvSpec, residual?: V): V;
  maxPool(x: V, at: MaxPoolSpec): V;
  subsample(x: V, at: SubsampleSpec): V;
  head(x: V, at: HeadSpec): V;
}
