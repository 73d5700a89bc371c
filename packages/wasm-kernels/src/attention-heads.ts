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
  { kernels, offset, withScratch }: Heap,
  { n, m, d, e, scale }: HeadSizes,
  { q, k, v, mask }: Heads,
  p: Matrices,
  y: Matrices,
): void {
  const at = (x: Matrices, head: number): number => offset(x.tensor) + x.starts[head]!;
  withScratch(kernels.attentionScratch(n, m, d, e), (scratch) => {
    for (let head = 0; head < y.starts.length; head++) {
      kernels.attention(
        n,
        m,
        d,
        e,
        scale,
        at(q, head),
        q.step,
        at(k, head),
        k.step,
        at(v, head),
        v.step,
        mask === undefined ? 0 : at(mask, head),
        mask === undefined ? 0 : mask.step,
        at(p, head),
        at(y, head),
        y.step,
        scratch,
      );
    }
  });
}

/** Computes the gradients of each head, from dy [n, e] and p [n, m]. Heads that share a mask add to its gradient. */
export function attendGradient(
  { kernels, offset, withScratch }: Heap,
  { n, m, d, e, scale }: HeadSizes,
  { q, k, v }: Heads,
  p: Matrices,
  dy: Matrices,
  { q: dq, k: dk, v: dv, mask: dMask }: Heads,
): void {
  const at = (x: Matrices, head: number): number => offset(x.tensor) + x.starts[head]!;
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
        at(dy, head),
        dy.step,
        at(q, head),
        q.step,
        at(k, head),
        k.step,
        at(v, head),
        v.step,
        at(p, head),
        at(dq, head),
        dq.step,
        at(dk, head),
        dk.step,
        at(dv, head),
        dv.step,
        dMask === undefined ? 0 : at(dMask, head),
        dMask === undefined ? 0 : dMask.step,
        scratch,
      );
    }
  });
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
