import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeEach, describe, expect } from 'vitest';

/** Where a model is tested. The kernels replace tfjs's for good, so they come last. */
export const places = {
  cpu: 'on the cpu backend',
  wasm: 'on the wasm backend',
  kernels: 'on the wasm backend with our kernels',
} as const;

export type Place = (typeof places)[keyof typeof places];

/** Declares the same tests for every place, none of which may leave a tensor behind. */
export function describeEverywhere(what: string, tests: (place: Place) => void): void {
  describeIn(Object.values(places), what, tests);
}

/** Where a model can be trained: tfjs's own wasm kernels have no gradient of a filter, and a wrong one of maxima. */
export const trainingPlaces = [places.cpu, places.kernels];

/** Declares the same tests for some places. */
export function describeIn(where: readonly Place[], what: string, tests: (place: Place) => void): void {
  describe.each(where)(`${what} %s`, (place) => {
    let before = 0;

    beforeEach(async () => {
      await tf.setBackend(place === places.cpu ? 'cpu' : 'wasm');
      if (place === places.kernels) await import('@proj/wasm-kernels/install');
      before = tf.memory().numTensors;
    });

    afterEach(() => {
      expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
    });

    tests(place);
  });
}
