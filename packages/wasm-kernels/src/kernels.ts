import { plain } from './generated/plain.ts';
import { shared } from './generated/shared.ts';

/** What a product's elements go through after their sums. */
export const ACTIVATION = {
  none: 0,
  /** c = gelu(c), with c itself kept at `other` unless that is 0. */
  gelu: 1,
  /** c = c gelu'(other). */
  geluSlope: 2,
} as const;

/** The kernels of one module, bound to one memory. They read and write it at the offsets given and check nothing. */
export interface Kernels {
  /** `reproducible`: plain SIMD128, the same bits on every machine. */
  readonly flavour: 'reproducible';

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
   * Self-attention of qkv [batch, tokens, 3, heads, size]: p [batch, heads, tokens, tokens] = softmax(scale q kᵀ) and
   * y [batch, tokens, heads, size] = p v. `scratch` points to `attentionScratch(tokens, size)` free bytes.
   */
  attentionPacked(
    batch: number,
    tokens: number,
    heads: number,
    size: number,
    scale: number,
    qkv: number,
    y: number,
    p: number,
    scratch: number,
  ): void;

  /** dqkv of `attentionPacked`, from dy, qkv and p. */
  attentionPackedGradient(
    batch: number,
    tokens: number,
    heads: number,
    size: number,
    scale: number,
    dy: number,
    qkv: number,
    p: number,
    dqkv: number,
    scratch: number,
  ): void;

  /** Bytes of working memory that attention needs, for both directions. */
  attentionScratch(tokens: number, size: number): number;

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

  /** dx [rows, width], dweight [width] and dbias [width] of `layerNorm`. */
  layerNormGradient(
    rows: number,
    width: number,
    dy: number,
    x: number,
    weight: number,
    means: number,
    inverses: number,
    dx: number,
    dWeight: number,
    dBias: number,
  ): void;

  /** y = x Φ(x) for `size` elements, erf to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
  gelu(size: number, x: number, y: number): void;

  /** dx = dy (Φ(x) + x φ(x)) for `size` elements. */
  geluGradient(size: number, dy: number, x: number, dx: number): void;

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

  /** y [width] = the sums of the columns of x [rows, width]. */
  columnSums(rows: number, width: number, x: number, y: number): void;
}

/**
 * Compiles the kernels for a memory, shared or not, which they use in place and never grow.
 *
 * @throws {WebAssembly.CompileError} where the engine has no SIMD (all of Node's and browsers' have it since 2023).
 */
export function createKernels(memory: WebAssembly.Memory): Kernels {
  const isShared = Object.prototype.toString.call(memory.buffer) === '[object SharedArrayBuffer]';
  const bytes = Uint8Array.from(atob(isShared ? shared : plain), (character) => character.charCodeAt(0));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return { flavour: 'reproducible', ...(exports as unknown as Omit<Kernels, 'flavour'>) };
}
