import { plain } from './generated/plain.ts';
import { shared } from './generated/shared.ts';

/** The kernels of one module, bound to one memory. They read and write it at the offsets given and check nothing. */
export interface Kernels {
  /** `reproducible`: plain SIMD128, the same bits on every machine. */
  readonly flavour: 'reproducible';

  /**
   * C [m, n] = clamp(A [m, k] B [k, n] + bias [n], low, high), float32.
   *
   * Offsets are bytes from the start of the memory; steps are bytes from row to row and from column to column, so that a
   * transposed operand is one whose steps are exchanged. The columns of C and of the bias are contiguous; `bias` 0 stands for
   * none, and low = -Infinity, high = Infinity for no clamp. `scratch` points to `productScratch(m, n, k)` free bytes.
   * Every sum runs over k in order, without fused multiply-add: an element's bits depend only on its row, column and bias.
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
    bias: number,
    low: number,
    high: number,
    scratch: number,
  ): void;

  /** Bytes of working memory that `product` needs for these sizes; at most 1.2 MB. */
  productScratch(m: number, n: number, k: number): number;
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
  const { product, productScratch } = exports as unknown as Pick<Kernels, 'product' | 'productScratch'>;
  return { flavour: 'reproducible', product, productScratch };
}
