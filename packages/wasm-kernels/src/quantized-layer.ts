import type { TensorInfo } from '@tensorflow/tfjs-core';
import { ROWS_AT_A_TIME } from './branch.ts';
import type { Heap } from './heap.ts';

/** LSQ with offsets, as a kernel's inputs and attributes describe it; those of one quantizer have names that end alike. */
export interface Quantizer {
  readonly step: TensorInfo;
  readonly before: TensorInfo;
  readonly after: TensorInfo;
  readonly inner: number;
  readonly low: number;
  readonly high: number;
  readonly gradientScale: number;
}

export function quantizer(
  tensors: Readonly<Record<string, TensorInfo | undefined>>,
  attrs: Readonly<Record<string, number>>,
  suffix: string,
): Quantizer {
  return {
    step: tensors[`step${suffix}`]!,
    before: tensors[`before${suffix}`]!,
    after: tensors[`after${suffix}`]!,
    inner: attrs[`inner${suffix}`]!,
    low: attrs[`low${suffix}`]!,
    high: attrs[`high${suffix}`]!,
    gradientScale: attrs[`gradientScale${suffix}`]!,
  };
}

/** How many rows to take at a time: as many as a branch does, but whole images and whole turns of every quantizer's steps and offsets. */
export function rowsOfTurns(
  rows: number,
  image: number,
  quantizers: readonly (Quantizer & { readonly width: number })[],
): number {
  const turns = quantizers.map(({ step, before, inner, width }) => {
    const turn = step.shape[0] === 1 ? before.shape[0]! : step.shape[0]! * inner;
    if (turn % width === 0) return turn / width;
    return width % turn === 0 ? 1 : rows;
  });
  const turn = Math.max(image, ...turns);
  if ([image, ...turns].some((other) => turn % other !== 0)) return rows;
  return Math.min(rows, turn * Math.max(1, Math.floor(ROWS_AT_A_TIME / turn)));
}

/** LSQ of whole turns, in both directions, at byte offsets. */
export function quantizing({ kernels, offset }: Heap, quantizer: Quantizer) {
  const { step, before, after, low, high, gradientScale } = quantizer;
  const groups = step.shape[0]!;
  const period = before.shape[0]!;
  const innerOf = (size: number): number => (groups === 1 ? size : quantizer.inner);
  return {
    forward(size: number, x: number, y: number): void {
      const [atStep, atBefore, atAfter] = [offset(step), offset(before), offset(after)];
      kernels.lsq(size, groups, innerOf(size), period, low, high, x, atStep, atBefore, atAfter, y);
    },
    /** dx, which may be dy, and y again; dstep, dbefore and dafter are added to what is there where it `adds`. */
    gradient(
      size: number,
      dy: number,
      x: number,
      slope: number,
      dx: number,
      y: number,
      parameters: readonly TensorInfo[],
      adds: boolean,
    ): void {
      const [dStep, dBefore, dAfter] = parameters.map(offset) as [number, number, number];
      kernels.lsqGradient(
        size,
        groups,
        innerOf(size),
        period,
        low,
        high,
        gradientScale,
        dy,
        x,
        offset(step),
        offset(before),
        offset(after),
        slope,
        dx,
        y,
        dStep,
        dBefore,
        dAfter,
        adds ? 1 : 0,
      );
    },
  };
}

/** Quantizes a weight [out, in] by StatsQ, a scale for each row. */
export function quantizeWeight({ kernels, offset }: Heap, weight: TensorInfo, levels: number, q: number) {
  const [groups, inner] = weight.shape as [number, number];
  kernels.statsq(1, groups, inner, levels, offset(weight), q);
}
