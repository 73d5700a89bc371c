import type { Batch } from '@proj/trainer';
import { dataParallel } from '@proj/trainer/node';
import { kernelReport } from '@proj/wasm-kernels/install';
import { type ClassifierWorkers, classifierGradients } from './gradients.ts';
import type { WorkerSetting } from './worker.ts';

/**
 * Workers for `trainClassifier`, each on a tfjs-wasm of its own with the kernels of this thread; this thread is one of them. Same
 * recipe, same kernels, same number of workers: same bits. Each takes a share of the batch, and memory for the whole model.
 *
 * @param count one for each core at most, to gain anything.
 */
export function classifierWorkers(count: number): ClassifierWorkers {
  return {
    count,
    start(config) {
      const { flavour, backend } = kernelReport();
      const data: WorkerSetting = { config, flavour, backend };
      return dataParallel<Batch>({
        workers: count,
        valueAndGradients: classifierGradients(config),
        module: new URL('./worker.js', import.meta.url),
        data,
      });
    },
  };
}

export { quantizationWorkers } from './quantization-workers.ts';
