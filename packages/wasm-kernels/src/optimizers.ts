import { type KernelConfig, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { heapOf, type WasmBackend } from './heap.ts';
import { successors } from './in-place.ts';
import type { Kernels } from './kernels.ts';
import { withOutputs } from './outputs.ts';

/** Updates the parameter at `index`. The offsets are those of all inputs and of all results. */
type UpdateOne<Attributes> = (
  kernels: Kernels,
  attributes: Attributes,
  index: number,
  size: number,
  from: readonly number[],
  to: readonly number[],
) => void;

/**
 * One step of an optimizer for all parameters. Its inputs are numbered: `count` gradients, then `count` parameters, then as many of
 * each moment. Its results are what comes in place of parameters and moments, in place where it can be.
 */
function stepKernel<Attributes extends { readonly count: number }>(
  name: string,
  updateOne: UpdateOne<Attributes>,
): KernelConfig {
  return {
    kernelName: `proj.${name}`,
    backendName: 'wasm',
    setupFunc: (backend) => void heapOf(backend as WasmBackend),
    kernelFunc({ inputs, attrs, backend: given }) {
      const backend = given as WasmBackend;
      const { kernels, offset } = heapOf(backend);
      const attributes = attrs as unknown as Attributes;
      const { count } = attributes;
      const tensors = Object.values(inputs) as TensorInfo[];
      return withOutputs(backend, (make) => {
        const from = tensors.map(offset);
        const results = successors(backend, tensors.slice(count), tensors.slice(0, count), make);
        const to = results.map(offset);
        for (let i = 0; i < count; i++) {
          const size = util.sizeFromShape(tensors[i]!.shape);
          updateOne(kernels, attributes, i, size, from, to);
        }
        return results;
      });
    },
  };
}

/** The numbers of `Kernels.adamw`; `keeps` holds one for each parameter. */
interface AdamwAttributes {
  readonly count: number;
  readonly keeps: readonly number[];
  readonly beta1: number;
  readonly rest1: number;
  readonly beta2: number;
  readonly rest2: number;
  readonly correction: number;
  readonly eps: number;
  readonly stepSize: number;
}

/** Gradients, parameters, means, variances -> parameters, means, variances. */
export const adamwKernel = stepKernel<AdamwAttributes>('AdamW', (kernels, attributes, i, size, from, to) => {
  const { count, keeps, beta1, rest1, beta2, rest2, correction, eps, stepSize } = attributes;
  kernels.adamw(
    size,
    from[i]!,
    from[i + count]!,
    from[i + 2 * count]!,
    from[i + 3 * count]!,
    to[i]!,
    to[i + count]!,
    to[i + 2 * count]!,
    keeps[i]!,
    beta1,
    rest1,
    beta2,
    rest2,
    correction,
    eps,
    stepSize,
  );
});

/** The numbers of `Kernels.sgd`. */
interface SgdAttributes {
  readonly count: number;
  readonly rate: number;
  readonly momentum: number;
  readonly decay: number;
}

/** Gradients, parameters and, if there are any, momentum buffers -> parameters and momentum buffers. */
export const sgdKernel = stepKernel<SgdAttributes>('Sgd', (kernels, attributes, i, size, from, to) => {
  const { count, rate, momentum, decay } = attributes;
  const [buffer = 0, newBuffer = 0] = [from[i + 2 * count], to[i + count]];
  kernels.sgd(size, from[i]!, from[i + count]!, buffer, to[i]!, newBuffer, rate, momentum, decay);
});
