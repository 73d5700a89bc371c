// What classifierWorkers starts in threads of their own.
import '@proj/ops/gradients';
import type { Batch } from '@proj/trainer';
import { serveGradients } from '@proj/trainer/node';
import type { VitConfig } from '@proj/vit';
import { setBackend } from '@tensorflow/tfjs-core';
import { classifierGradients } from './gradients.ts';
import { installAsThere, type KernelsThere } from './worker-kernels.ts';

/** The model, and the kernels of the main thread. */
export interface WorkerSetting extends KernelsThere {
  readonly config: VitConfig;
}

await setBackend('wasm');
serveGradients<Batch, WorkerSetting>(({ config, ...there }) => {
  installAsThere(there);
  return classifierGradients(config);
});
