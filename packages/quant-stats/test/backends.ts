import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe } from 'vitest';

/** The operations composed of tfjs's, and the kernels; every claim about numbers holds for both. */
export const describeOnBackends = (what: string, claims: () => void): void => {
  describe.each(['cpu', 'wasm with kernels'])(`${what} on %s`, (backend) => {
    beforeAll(async () => {
      await setBackend(backend === 'cpu' ? 'cpu' : 'wasm');
    });
    claims();
  });
};
