import {
  backend,
  dispose,
  engine,
  getBackend,
  getKernel,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { Product } from '../tasks.ts';
import type { Prepared } from './answer.ts';
import { beginning, filled } from './inputs.ts';

/** tfjs's `BatchMatMul` kernel, stock or ours, called without tfjs's dispatch (some 10 µs a call). */
export function productTask({ batch, m, k, n, transposeA, transposeB }: Product): Prepared {
  const { kernelFunc } = getKernel('BatchMatMul', getBackend())!;
  const a = filled([batch, ...(transposeA ? [k, m] : [m, k])], 0);
  const b = filled([batch, ...(transposeB ? [n, k] : [k, n])], 1);
  const product = (): TensorInfo =>
    kernelFunc({
      inputs: { a, b },
      attrs: { transposeA, transposeB },
      backend: backend(),
    }) as TensorInfo;
  return {
    run() {
      backend().disposeData(product().dataId);
    },
    check: () => beginning(asTensor(product())),
    release: () => dispose([a, b]),
  };
}

const asTensor = ({ dataId, shape, dtype }: TensorInfo): Tensor =>
  engine().makeTensorFromTensorInfo({ dataId, shape, dtype });
