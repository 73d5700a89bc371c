import '@tensorflow/tfjs-backend-wasm';
import {
  getKernel,
  type KernelConfig,
  type TensorInfo,
  Transpose,
  type TransposeAttrs,
  util,
} from '@tensorflow/tfjs-core';
import { tfjsKernel } from './tfjs-kernel.ts';

/** One axis of a copy: its length, and its steps in elements in the source and in the target. */
interface Axis {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

const NONE: Axis = { size: 1, from: 0, to: 0 };

// tfjs's reductions call its own transposition without asking the registry, so that it must be set up nevertheless.
const stock = getKernel(Transpose, 'wasm');

const kernel = tfjsKernel<{ x: TensorInfo }, TransposeAttrs>(
  Transpose,
  ({ x }, { perm }, { backend, heap: { kernels, offset }, make }) => {
    const shape = perm.map((axis) => x.shape[axis]!);
    const axes = canonicalAxes(x.shape, perm);
    if (axes.length < 2) {
      backend.incRef(x.dataId);
      return { dataId: x.dataId, shape, dtype: x.dtype };
    }
    const y = make(shape, x.dtype);
    if (util.sizeFromShape(shape) === 0) return y;
    const bytes = util.bytesPerElement(x.dtype);
    const copy = bytes === 1 ? kernels.transposeBytes : kernels.transposeWords;

    // In the target either the columns are contiguous or the rows, whichever axis is its last one.
    const columns = axes.find(({ from }) => from === 1)!;
    const last = axes.find(({ to }) => to === 1)!;
    const outer = axes.filter((axis) => axis !== columns && axis !== last);
    const rows = last === columns ? outer.pop()! : last;
    const inner1 = outer.pop() ?? NONE;
    const inner2 = outer.pop() ?? NONE;
    const walk = (depth: number, from: number, to: number): void => {
      const axis = outer[depth];
      if (axis === undefined) {
        copy(
          inner2.size,
          bytes * inner2.from,
          bytes * inner2.to,
          inner1.size,
          bytes * inner1.from,
          bytes * inner1.to,
          rows.size,
          bytes * rows.from,
          bytes * rows.to,
          columns.size,
          bytes * columns.to,
          from,
          to,
        );
        return;
      }
      for (let i = 0; i < axis.size; i++)
        walk(depth + 1, from + bytes * i * axis.from, to + bytes * i * axis.to);
    };
    walk(0, offset(x), offset(y));
    return y;
  },
);

/** tfjs's `Transpose` for the wasm backend, of any rank and type. Where the order in memory stays, the data is shared. */
export const transposeKernel: KernelConfig = {
  ...kernel,
  setupFunc: (backend) => {
    stock?.setupFunc?.(backend);
    kernel.setupFunc!(backend);
  },
};

/** The axes in the target's order, without those of length one, and those joined that follow each other on both sides. */
function canonicalAxes(shape: readonly number[], perm: readonly number[]): Axis[] {
  const steps = (sizes: readonly number[]): number[] =>
    sizes.map((_, axis) => util.sizeFromShape(sizes.slice(axis + 1)));
  const fromSteps = steps(shape);
  const toSteps = steps(perm.map((axis) => shape[axis]!));
  const axes: Axis[] = [];
  perm.forEach((source, target) => {
    const axis = { size: shape[source]!, from: fromSteps[source]!, to: toSteps[target]! };
    const before = axes.at(-1);
    if (axis.size === 1) return;
    if (before !== undefined && before.from === axis.size * axis.from) {
      axes[axes.length - 1] = { ...axis, size: before.size * axis.size };
    } else {
      axes.push(axis);
    }
  });
  return axes;
}
