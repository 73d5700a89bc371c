// What an engine of tfjs does, wherever it runs; its backends are registered by whoever imports this.
import '@proj/ops/gradients';
import { getBackend, setBackend, version_core } from '@tensorflow/tfjs-core';
import type { EngineName } from '../engine-names.ts';
import type { Task } from '../tasks.ts';
import type { Engine, Prepared } from './answer.ts';
import { attentionTask } from './attention-task.ts';
import { convolutionTask } from './convolution-task.ts';
import { fusedTask } from './fused-task.ts';
import { tfjsHeapBytes } from './inputs.ts';
import { peakTask } from './peak-task.ts';
import { productTask } from './product-task.ts';
import { inferenceTask, type TrainingThreads, vitTrainingTask } from './vit-tasks.ts';

export type TfjsEngineName = Exclude<EngineName, 'ort-web' | 'ort-node' | 'torch'>;

/**
 * tfjs on a stock backend, or on wasm with our kernels in a flavour.
 *
 * @param platform what it runs on, e.g. `Node 24.21.0`.
 * @param threads of training steps, where these can have more than one.
 */
export async function tfjsEngine(
  name: TfjsEngineName,
  platform: string,
  threads?: TrainingThreads,
): Promise<Engine> {
  await setBackend(name === 'cpu' || name === 'webgl' ? name : 'wasm');
  let kernels = '';
  if (name === 'reproducible' || name === 'relaxed' || name === 'wide') {
    const { install, kernelReport } = await import('@proj/wasm-kernels/install');
    install({ flavour: name });
    const inForce = kernelReport().flavour;
    if (inForce !== name) throw new Error(`there is no ${name} flavour here, ${inForce} would be used`);
    kernels = `@proj/wasm-kernels, ${name}, on `;
  }
  const plain = kernels === '';
  return {
    about: `${kernels}tfjs-${getBackend()} ${version_core}, ${platform}`,
    heapBytes: tfjsHeapBytes,
    prepare(task: Task): Prepared | undefined {
      switch (task.kind) {
        case 'peak':
          return peakTask(task.operation, name === 'wide');
        case 'product':
          return productTask(task);
        case 'fused':
          return fusedTask(task);
        case 'inference':
          return inferenceTask(task, plain);
        case 'training':
          return vitTrainingTask(task, plain, threads);
        case 'attention':
          return attentionTask(task);
        case 'convolution':
          // tfjs-wasm has no gradient of a convolution with respect to its filter.
          return name === 'stock' ? undefined : convolutionTask(task);
      }
    },
  };
}
