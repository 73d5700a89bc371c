// What quantizationWorkers starts in threads of their own.
import '@proj/ops/gradients';
import type { Batch } from '@proj/trainer';
import { serveGradients } from '@proj/trainer/node';
import { setBackend } from '@tensorflow/tfjs-core';
import { type QuantizationLoss, quantizationGradients } from './quantize/gradients.ts';
import { installAsThere, type KernelsThere } from './worker-kernels.ts';

/** What is computed, and the kernels of the main thread. */
export interface QuantizationSetting extends KernelsThere {
  readonly loss: QuantizationLoss;
}

await setBackend('wasm');
serveGradients<Batch, QuantizationSetting>(({ loss, ...there }) => {
  installAsThere(there);
  return quantizationGradients(loss).valueAndGradients;
});
