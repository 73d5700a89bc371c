import { getBackend, getGradient, registerGradient } from '@tensorflow/tfjs-core';
import { OpsError } from './error.ts';

/** Operations whose gradient tfjs 4.22 computes wrongly, on which backend (on each where none is named), and what to do. */
const WRONG: readonly { readonly kernel: string; readonly backend?: string; readonly remedy: string }[] = [
  { kernel: 'Conv3D', backend: 'wasm', remedy: 'use the cpu backend' },
  { kernel: 'Dilation2D', backend: 'wasm', remedy: 'use the cpu backend' },
  {
    kernel: 'ResizeNearestNeighbor',
    backend: 'cpu',
    remedy: 'use the wasm backend, or repeat pixels with tf.tile',
  },
  { kernel: 'MirrorPad', remedy: 'compose it of tf.reverse, tf.slice and tf.concat' },
];

/** Has those gradients refused (`OpsError` `OPS_WRONG_KERNEL`), where tfjs-core returns wrong numbers without a word. */
export function refuseWrongGradients(): void {
  for (const { kernel, backend, remedy } of WRONG) {
    const registered = getGradient(kernel);
    registerGradient({
      ...registered,
      gradFunc: (dy, saved, attrs) => {
        if (backend !== undefined && getBackend() !== backend) return registered.gradFunc(dy, saved, attrs);
        throw new OpsError(
          'OPS_WRONG_KERNEL',
          `the gradient of ${kernel} is wrong in tfjs 4.22${backend === undefined ? '' : ` on the ${backend} backend`}; ${remedy}.`,
        );
      },
    });
  }
}
