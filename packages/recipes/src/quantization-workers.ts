import type { Batch } from '@proj/trainer';
import { dataParallel } from '@proj/trainer/node';
import { kernelReport } from '@proj/wasm-kernels/install';
import type { QuantizationSetting } from './quantization-worker.ts';
import { type QuantizationWorkers, quantizationGradients } from './quantize/gradients.ts';

/**
 * Workers for `quantizeClassifier`, each on a tfjs-wasm of its own with the kernels of this thread and a teacher of its own; this thread
 * is one of them. Same recipe, same kernels, same number of workers: same bits. Gradients differ from those of one worker by rounding only:
 * those of LSQ's steps are scaled as for the whole batch.
 *
 * @param count one for each core at most, to gain anything.
 */
export function quantizationWorkers(count: number): QuantizationWorkers {
  return {
    count,
    start(loss) {
      const { flavour, backend } = kernelReport();
      const data: QuantizationSetting = { loss, flavour, backend };
      const own = quantizationGradients(loss);
      const parallel = dataParallel<Batch>({
        workers: count,
        valueAndGradients: own.valueAndGradients,
        module: new URL('./quantization-worker.js', import.meta.url),
        data,
      });
      return {
        valueAndGradients: parallel.valueAndGradients,
        async close() {
          await parallel.close();
          await own.close();
        },
      };
    },
  };
}
