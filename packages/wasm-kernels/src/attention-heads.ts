import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Heap } from './heap.ts';

/** A matrix for each head of each of a batch: where in a tensor it starts, and how far apart its rows are, in bytes. */
export interface Matrices {
  readonly tensor: TensorInfo;
  readonly starts: readonly number[];
  readonly step: number;
}

/** Queries [n, d], keys [m, d] and values [m, e], or the gradients of those, and what is added to the scores [n, m]. */
export interface Heads {
  readonly q: Matrices;
  readonly k: Matrices;
  readonly v: Matrices;
  readonly mask: Matrices | undefined;
}

export interface HeadSizes {
  readonly n: number;
  readonly m: number;
  readonly d: number;
  readonly e: number;
  readonly scale: number;
}

/** Computes y [n, e] and p [n, m] of each head. */
export function attend(
  heap: Heap,
  { n, m, d, e, scale }: HeadSizes,
  { q, k, v, mask }: Heads,
  p: Matrices,
  y: Matrices,
): void {
  const { kernels, withScratch } = heap;
  const [atQ, atK, atV, atMask, atP, atY] = [q, k, v, mask, p, y].map((x) => offsets(heap, x));
  withScratch(kernels.attentionScratch(n, m, d, e), (scratch) => {
    for (let head = 0; head < y.starts.length; head++) {
      kernels.attention(
        n,
        m,
        d,
        e,
        scale,
        atQ!(head),
        q.step,
        atK!(head),
        k.step,
        atV!(head),
        v.step,
        atMask!(head),
        mask?.step ?? 0,
        atP!(head),
        atY!(head),
        y.step,
        scratch,
      );
    }
  });
}

/** Computes the gradients of each head, from dy [n, e] and p [n, m]. Heads that share a mask add to its gradient. */
export function attendGradient(
  heap: Heap,
  { n, m, d, e, scale }: HeadSizes,
  { q, k, v }: Heads,
  p: Matrices,
  dy: Matrices,
  { q: dq, k: dk, v: dv, mask: dMask }: Heads,
): void {
  const { kernels, offset, withScratch } = heap;
  const [atQ, atK, atV, atP, atDy] = [q, k, v, p, dy].map((x) => offsets(heap, x));
  const [atDq, atDk, atDv, atDMask] = [dq, dk, dv, dMask].map((x) => offsets(heap, x));
  if (dMask !== undefined) {
    const elements = dMask.tensor.shape.reduce((product, size) => product * size, 1);
    kernels.clear(offset(dMask.tensor), 4 * elements);
  }
  withScratch(kernels.attentionScratch(n, m, d, e), (scratch) => {
    for (let head = 0; head < dy.starts.length; head++) {
      kernels.attentionGradient(
        n,
        m,
        d,
        e,
        scale,
        atDy!(head),
        dy.step,
        atQ!(head),
        q.step,
        atK!(head),
        k.step,
        atV!(head),
        v.step,
        atP!(head),
        atDq!(head),
        dq.step,
        atDk!(head),
        dk.step,
        atDv!(head),
        dv.step,
        atDMask!(head),
        dMask?.step ?? 0,
        scratch,
      );
    }
  });
}

/** Where the matrix of a head starts, in bytes; always 0 where there is none. */
function offsets({ offset }: Heap, matrices: Matrices | undefined): (head: number) => number {
  if (matrices === undefined) return () => 0;
  const { tensor, starts } = matrices;
  const base = offset(tensor);
  return (head) => base + starts[head]!;
}

/** The matrices of the last two axes of a tensor, one after the other. */
export function matrices(tensor: TensorInfo): Matrices {
  const [rows, columns] = tensor.shape.slice(-2) as [number, number];
  const count = tensor.shape.slice(0, -2).reduce((product, size) => product * size, 1);
  return {
    tensor,
    starts: Array.from({ length: count }, (_, i) => 4 * i * rows * columns),
    step: 4 * columns,
  };
}
