import { getGradient, registerGradient, type Tensor } from '@tensorflow/tfjs-core';
import { matMulGradients, reduceTo } from './mat-mul.ts';

/** Operations of two operands whose registered gradients have the output's shape, whatever the operands'. */
const ELEMENTWISE = ['Maximum', 'Minimum', 'SquaredDifference'] as const;

/**
 * Gives the gradients of `tf.maximum`, `tf.minimum`, `tf.squaredDifference` and `tf.matMul` the shapes of the operands where those
 * were broadcast, e.g. of [B, M, K] times [K, N]. tfjs-core's own fail there.
 */
export function repairBroadcastGradients(): void {
  for (const kernelName of ELEMENTWISE) {
    const registered = getGradient(kernelName);
    registerGradient({
      ...registered,
      gradFunc: (dy, saved, attrs) => {
        const [a, b] = saved as [Tensor, Tensor];
        const gradients = registered.gradFunc(dy, saved, attrs);
        return {
          a: () => reduceTo(gradients['a']!(), a.shape),
          b: () => reduceTo(gradients['b']!(), b.shape),
        };
      },
    });
  }
  registerGradient({
    kernelName: 'BatchMatMul',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved, attrs) => {
      const [a, b] = saved as [Tensor, Tensor];
      const { transposeA, transposeB } = attrs as unknown as { transposeA: boolean; transposeB: boolean };
      return matMulGradients(dy as Tensor, a, b, transposeA, transposeB);
    },
  });
}
