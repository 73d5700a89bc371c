import {
  engine,
  getBackend,
  getGradient,
  getKernel,
  type KernelConfig,
  registerGradient,
  type Tensor,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { OpsError } from './error.ts';

/** Operation, the kernel of its gradient, that operation's window of two pixels, and what to do about a wrong kernel. */
const POOLS = [
  {
    pool: 'MaxPool',
    kernel: 'MaxPoolGrad',
    shape: [1, 1, 4, 1],
    outShape: [1, 1, 2, 1],
    filterSize: [1, 2],
    remedy: "add import '@proj/wasm-kernels/install', which brings a right one, or use the cpu backend",
  },
  {
    pool: 'MaxPool3D',
    kernel: 'MaxPool3DGrad',
    shape: [1, 1, 1, 4, 1],
    outShape: [1, 1, 1, 2, 1],
    filterSize: [1, 1, 2],
    remedy: 'use the cpu backend',
  },
] as const;

/**
 * Has the registered gradients of max pooling refuse a kernel that computes them wrongly, as those of tfjs-backend-wasm 4.22 do
 * where a window's maximum is negative: `OpsError` `OPS_WRONG_KERNEL`. A kernel is tried once.
 */
export function refuseWrongMaxPoolGradients(): void {
  for (const { pool, kernel: name, remedy, ...example } of POOLS) {
    const registered = getGradient(pool);
    const tried = new WeakMap<KernelConfig, boolean>();
    registerGradient({
      ...registered,
      gradFunc: (dy, saved, attrs) => {
        const kernel = getBackend() === 'wasm' ? getKernel(name, 'wasm') : undefined;
        if (kernel != null) {
          const isRight = tried.get(kernel) ?? tryKernel(name, example);
          tried.set(kernel, isRight);
          if (!isRight) {
            throw new OpsError(
              'OPS_WRONG_KERNEL',
              `the gradient of ${pool} needs the kernel ${name}, and that of the wasm backend is wrong where a window's maximum is negative; ${remedy}.`,
            );
          }
        }
        return registered.gradFunc(dy, saved, attrs);
      },
    });
  }
}

interface Example {
  readonly shape: readonly number[];
  readonly outShape: readonly number[];
  readonly filterSize: readonly number[];
}

/** Whether a kernel finds the maximum of two windows of negative values, [-2, -1] each. */
function tryKernel(kernel: string, { shape, outShape, filterSize }: Example): boolean {
  return tidy(() => {
    const input = tensor([-2, -1, -2, -1], [...shape]);
    const output = tensor([-1, -1], [...outShape]);
    const dy = tensor([1, 2], [...outShape]);
    const attrs = { filterSize: [...filterSize], strides: [...filterSize], pad: 'valid' };
    const dx = engine().runKernel(kernel, { dy, input, output }, attrs) as Tensor;
    return dx.dataSync().join() === '0,1,0,2';
  });
}
