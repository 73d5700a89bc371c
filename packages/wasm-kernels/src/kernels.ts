import { type Flavour, moduleBytes } from './module.ts';

/** What a product's elements go through after their sums. */
export const ACTIVATION = {
  none: 0,
  /** c = gelu(c), with gelu'(c) kept at `other` unless that is 0. */
  gelu: 1,
  /** c = c other. */
  times: 2,
} as const;

/** The sizes of a convolution: images, output, filter, strides, dilations, and the padding above and to the left. */
export type Windows = readonly [
  height: number,
  width: number,
  channels: number,
  outHeight: number,
  outWidth: number,
  filterHeight: number,
  filterWidth: number,
  strideHeight: number,
  strideWidth: number,
  dilationHeight: number,
  dilationWidth: number,
  top: number,
  left: number,
];

/**
 * Two outer axes, rows and columns: their lengths and their steps in bytes in the source and in the target. Columns are contiguous
 * in the source; in the target they or the rows are.
 */
type Axes = readonly [
  count1: number,
  from1: number,
  to1: number,
  count2: number,
  from2: number,
  to2: number,
  rows: number,
  fromRow: number,
  toRow: number,
  columns: number,
  toColumn: number,
  from: number,
  to: number,
];

/** The kernels of one module, bound to one memory. They read and write it at the offsets given and check nothing. */
export interface Kernels {
  /** How products compute; everything else has the same bits in all flavours. */
  readonly flavour: Flavour;

  /**
   * C [m, n] = activation(clamp(FROM [m, n] + A [m, k] B [k, n] + bias [n], low, high)), float32.
   *
   * Offsets are bytes from the start of the memory; steps are bytes from row to row and from column to column, so that a
   * transposed operand is one whose steps are exchanged. The columns of C, FROM, `other` and the bias are contiguous; FROM,
   * which may be C, and `other` have C's row step. `from` and `bias` 0 stand for none, low = -Infinity and high = Infinity for
   * no clamp. `activation` is one of `ACTIVATION`; `scratch` points to `productScratch(m, n, k)` free bytes.
   *
   * Every sum begins with FROM and runs over k in order: an element's bits depend only on its row, column and bias. In the
   * reproducible flavour no fused multiply-add is used.
   */
  product(
    m: number,
    n: number,
    k: number,
    a: number,
    aRowStep: number,
    aColumnStep: number,
    b: number,
    bRowStep: number,
    bColumnStep: number,
    c: number,
    cRowStep: number,
    from: number,
    bias: number,
    low: number,
    high: number,
    activation: number,
    other: number,
    scratch: number,
  ): void;

  /** Bytes of working memory that `product` needs for these sizes; at most 1.2 MB. */
  productScratch(m: number, n: number, k: number): number;

  /**
   * Attention of one head: p [n, m] = softmax(scale q kᵀ + mask) and y [n, e] = p v, of q [n, d], k [m, d], v [m, e]. Rows of q, k, v,
   * y and the mask are their steps apart, so that heads that lie side by side are read and written in place; p has no gaps. `mask`
   * [n, m] 0 stands for none, its step 0 for one row for all. `scratch` points to `attentionScratch(n, m, d, e)` free bytes.
   */
  attention(
    n: number,
    m: number,
    d: number,
    e: number,
    scale: number,
    q: number,
    qStep: number,
    k: number,
    kStep: number,
    v: number,
    vStep: number,
    mask: number,
    maskStep: number,
    p: number,
    y: number,
    yStep: number,
    scratch: number,
  ): void;

  /** dq, dk and dv of `attention`, from dy and p; the gradient of the mask is added to `dMask`, 0 for none. */
  attentionGradient(
    n: number,
    m: number,
    d: number,
    e: number,
    scale: number,
    dy: number,
    dyStep: number,
    q: number,
    qStep: number,
    k: number,
    kStep: number,
    v: number,
    vStep: number,
    p: number,
    dq: number,
    dqStep: number,
    dk: number,
    dkStep: number,
    dv: number,
    dvStep: number,
    dMask: number,
    maskStep: number,
    scratch: number,
  ): void;

  /** Bytes of working memory that one head's attention needs, for both directions. */
  attentionScratch(n: number, m: number, d: number, e: number): number;

  /** y [rows, width] = softmax(scale x + mask); rows of the mask are `maskStep` bytes apart, `mask` 0 stands for none. y may be x. */
  softmax(
    rows: number,
    width: number,
    scale: number,
    x: number,
    mask: number,
    maskStep: number,
    y: number,
  ): void;

  /** dx of `softmax`, from dy and y; the gradient of the mask is added to `dMask`, 0 for none. dx may be dy. */
  softmaxGradient(
    rows: number,
    width: number,
    scale: number,
    dy: number,
    y: number,
    dx: number,
    dMask: number,
    maskStep: number,
  ): void;

  /**
   * The mean over `rows` of the cross-entropy of logits [rows, classes], at `loss`, and its slope [rows, classes]. `targets` are
   * float32 [rows, classes], or int32 [rows] where `byClass` is 1.
   */
  crossEntropy(
    rows: number,
    classes: number,
    logits: number,
    targets: number,
    byClass: number,
    loss: number,
    slope: number,
  ): void;

  /** Mean and population variance [channels] of x [rows, channels], in float64; `scratch` as for `batchNorm`. */
  channelStatistics(
    rows: number,
    channels: number,
    x: number,
    mean: number,
    variance: number,
    scratch: number,
  ): void;

  /** y = (x - mean) / sqrt(variance + eps) * weight + bias of x [rows, channels]; `scratch` has `batchNormScratch(channels)` bytes. */
  batchNorm(
    rows: number,
    channels: number,
    eps: number,
    x: number,
    weight: number,
    bias: number,
    mean: number,
    variance: number,
    y: number,
    scratch: number,
  ): void;

  /** dx, dweight and dbias of `batchNorm`; `training` is 1 where mean and variance are those of x. */
  batchNormGradient(
    rows: number,
    channels: number,
    eps: number,
    training: number,
    dy: number,
    x: number,
    weight: number,
    mean: number,
    variance: number,
    dx: number,
    dWeight: number,
    dBias: number,
    scratch: number,
  ): void;

  /** Bytes of working memory that batch normalisation needs. */
  batchNormScratch(channels: number): number;

  /** y = (x - mean) / sqrt(variance + eps) * weight + bias for each row; keeps each row's mean and 1 / sqrt. */
  layerNorm(
    rows: number,
    width: number,
    x: number,
    weight: number,
    bias: number,
    eps: number,
    y: number,
    means: number,
    inverses: number,
  ): void;

  /** dx [rows, width], dweight [width] and dbias [width] of `layerNorm`; `from` [rows, width] is added to dx, 0 stands for none; with `adds` 1 dweight and dbias
   * are added to what is there. */
  layerNormGradient(
    rows: number,
    width: number,
    dy: number,
    x: number,
    weight: number,
    means: number,
    inverses: number,
    from: number,
    dx: number,
    dWeight: number,
    dBias: number,
    adds: number,
  ): void;

  /** y = x Φ(x) for `size` elements, erf to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
  gelu(size: number, x: number, y: number): void;

  /** dx = dy (Φ(x) + x φ(x)) for `size` elements. */
  geluGradient(size: number, dy: number, x: number, dx: number): void;

  /** y = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 for `size` elements. */
  geluTanh(size: number, x: number, y: number): void;

  /** dx of `geluTanh` for `size` elements. */
  geluTanhGradient(size: number, dy: number, x: number, dx: number): void;

  /**
   * dx [batch, height, width, channels] of max pooling, from x and dy [batch, outHeight, outWidth, channels]; `top` and `left`
   * are the padding. A window's gradient goes to its largest value, the first in rows where several are.
   */
  maxPoolGradient(
    batch: number,
    height: number,
    width: number,
    channels: number,
    outHeight: number,
    outWidth: number,
    filterHeight: number,
    filterWidth: number,
    strideHeight: number,
    strideWidth: number,
    top: number,
    left: number,
    x: number,
    dy: number,
    dx: number,
  ): void;

  /** Bytes of working memory that `convolution` needs. */
  convolutionScratch(batch: number, ...sizes: [...Windows, outputs: number]): number;

  /**
   * y [batch, outHeight, outWidth, outputs] = clamp(x * filter + bias, low, high) of x [batch, height, width, channels], the filter
   * [filterHeight, filterWidth, channels, outputs] and the bias [outputs], 0 for none. What lies in the padding is zero.
   */
  convolution(
    batch: number,
    ...sizes: [
      ...Windows,
      outputs: number,
      x: number,
      filter: number,
      bias: number,
      low: number,
      high: number,
      y: number,
      scratch: number,
    ]
  ): void;

  /**
   * Copies `count` windows of x [batch, height, width, channels] to `rows`, from output position `first` = (b outHeight + i)
   * outWidth + j on: each is [filterHeight, filterWidth, channels] as the filter meets it, with zeros in the padding.
   */
  gatherWindows(...windows: [...Windows, first: number, count: number, x: number, rows: number]): void;

  /** The adjoint of `gatherWindows`: adds the rows to the places of x that they would be copied from. */
  scatterWindows(...windows: [...Windows, first: number, count: number, x: number, rows: number]): void;

  /** Zeroes `bytes` of memory from `offset` on. */
  clear(offset: number, bytes: number): void;

  /** Bytes of working memory that `depthwise` needs. */
  depthwiseScratch(batch: number, ...sizes: [...Windows, multiplier: number]): number;

  /**
   * y [batch, outHeight, outWidth, channels * multiplier] = clamp(x * filter + bias, low, high), each channel convolved with its own
   * filters [filterHeight, filterWidth, channels, multiplier]; `bias` 0 stands for none. What lies in the padding is zero.
   */
  depthwise(
    batch: number,
    ...sizes: [
      ...Windows,
      multiplier: number,
      x: number,
      filter: number,
      bias: number,
      low: number,
      high: number,
      y: number,
      scratch: number,
    ]
  ): void;

  /** dx of `depthwise`. */
  depthwiseInputGradient(
    batch: number,
    ...sizes: [...Windows, multiplier: number, dy: number, filter: number, dx: number]
  ): void;

  /** dfilter of `depthwise`. */
  depthwiseFilterGradient(
    batch: number,
    ...sizes: [...Windows, multiplier: number, x: number, dy: number, dFilter: number]
  ): void;

  /** y [segments, width] = sums of the rows of x [count, width] with the segment's id; ids (int32) beyond the segments are left out. */
  segmentSum(count: number, width: number, segments: number, x: number, ids: number, y: number): void;

  /** Copies elements of four bytes along four axes, in an order of their own in the target. */
  transposeWords(...axes: Axes): void;

  /** The same for elements of one byte. */
  transposeBytes(...axes: Axes): void;

  /** y [width] = the sums of the columns of x [rows, width]; with `adds` 1 they are added to what is there. */
  columnSums(rows: number, width: number, x: number, y: number, adds: number): void;

  /**
   * y = LSQ(x + before) + after of `size` elements: element i has step (i / inner) mod groups and offset i mod period. `period`,
   * `before` and `after` 0 stand for no offsets; a period is a multiple or a divisor of inner.
   */
  lsq(
    size: number,
    groups: number,
    inner: number,
    period: number,
    low: number,
    high: number,
    x: number,
    step: number,
    before: number,
    after: number,
    y: number,
  ): void;

  /**
   * dx [size], times `slope` [size] unless that is 0, dstep [groups] times `factor`, dbefore and dafter [period] of `lsq`; with `adds`
   * 1 the last three are added to what is there. y [size] is that of `lsq` again, `y` 0 for none. dx may be dy.
   */
  lsqGradient(
    size: number,
    groups: number,
    inner: number,
    period: number,
    low: number,
    high: number,
    factor: number,
    dy: number,
    x: number,
    step: number,
    before: number,
    after: number,
    slope: number,
    dx: number,
    y: number,
    dStep: number,
    dBefore: number,
    dAfter: number,
    adds: number,
  ): void;

  /** q of weights w [outer, groups, inner] by StatsQ, a scale for each group; `levels` is 2^(bits - 1). */
  statsq(outer: number, groups: number, inner: number, levels: number, w: number, q: number): void;

  /**
   * Marks the weights w [rows, columns] that are further than `range` levels from a threshold of StatsQ, a byte each, and writes each
   * row's scale; `levels` is 2^(bits - 1).
   */
  cgaMask(
    rows: number,
    columns: number,
    levels: number,
    range: number,
    w: number,
    mask: number,
    scales: number,
  ): void;

  /**
   * Self-attention with quantized probabilities: p [batch, heads, tokens, tokens] = softmax(scale q kᵀ + mask) and y [batch, tokens,
   * heads, valueSize] = LSQ(p) v, from q and k [batch, tokens, heads, size] (q without heads where `shared` is 1), v like y, step
   * [tokens] and mask [masks, heads, tokens, tokens], repeated over the batch; `masks` 0 stands for none. `scratch` points to `quantizedAttentionScratch(tokens, size, valueSize)` free bytes.
   */
  quantizedAttention(
    batch: number,
    tokens: number,
    heads: number,
    shared: number,
    size: number,
    valueSize: number,
    scale: number,
    high: number,
    q: number,
    k: number,
    v: number,
    step: number,
    masks: number,
    mask: number,
    y: number,
    p: number,
    scratch: number,
  ): void;

  /** dq, dk, dv, dstep (times `factor`) and dmask of `quantizedAttention`; with `adds` 1 the last two are added to what is there. */
  quantizedAttentionGradient(
    batch: number,
    tokens: number,
    heads: number,
    shared: number,
    size: number,
    valueSize: number,
    scale: number,
    high: number,
    factor: number,
    dy: number,
    q: number,
    k: number,
    v: number,
    step: number,
    p: number,
    dq: number,
    dk: number,
    dv: number,
    dStep: number,
    masks: number,
    dMask: number,
    adds: number,
    scratch: number,
  ): void;

  /** Bytes of working memory that quantized attention needs, for both directions. */
  quantizedAttentionScratch(tokens: number, size: number, valueSize: number): number;

  /**
   * AdamW for the `size` elements of one parameter: p' = keep p - stepSize (m' / (sqrt(v') / correction + eps)),
   * m' = beta1 m + rest1 g, v' = beta2 v + rest2 g². New values may stand where the old ones stood.
   */
  adamw(
    size: number,
    gradient: number,
    parameter: number,
    mean: number,
    variance: number,
    newParameter: number,
    newMean: number,
    newVariance: number,
    keep: number,
    beta1: number,
    rest1: number,
    beta2: number,
    rest2: number,
    correction: number,
    eps: number,
    stepSize: number,
  ): void;

  /**
   * Gradient descent for the `size` elements of one parameter: b' = momentum b + g + decay p, p' = p - rate b'. `buffer` 0 stands
   * for none: then b' = g + decay p, and `newBuffer` is not written. New values may stand where the old ones stood.
   */
  sgd(
    size: number,
    gradient: number,
    parameter: number,
    buffer: number,
    newParameter: number,
    newBuffer: number,
    rate: number,
    momentum: number,
    decay: number,
  ): void;

  /** The sum of the squares of `size` elements, in float64. */
  sumOfSquares(size: number, x: number): number;
}

/**
 * Compiles the kernels for a memory, shared or not, which they use in place and never grow.
 *
 * @throws {WebAssembly.CompileError} where the engine has no SIMD (all of Node's and browsers' have it since 2023), or no relaxed
 * SIMD and another flavour than `reproducible` is asked for.
 */
export function createKernels(memory: WebAssembly.Memory, flavour: Flavour = 'reproducible'): Kernels {
  const shared = Object.prototype.toString.call(memory.buffer) === '[object SharedArrayBuffer]';
  const module = new WebAssembly.Module(moduleBytes(flavour, shared));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { flavour, ...(exports as unknown as Omit<Kernels, 'flavour'>) };
}
