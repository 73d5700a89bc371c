// What classifierWorkers starts in threads of their own.
import '@proj/ops/gradients';
import type { Batch } from '@proj/trainer';
import { serveGradients } from '@proj/trainer/node';
import type { VitConfig } from '@proj/vit';
import { install, type KernelReport, kernelReport } from '@proj/wasm-kernels/install';
import { setBackend } from '@tensorflow/tfjs-core';
import { RecipeError } from './error.ts';
import { classifierGradients } from './gradients.ts';

/** The model, and what is in force in the main thread. */
export interface WorkerSetting extends Pick<KernelReport, 'flavour' | 'backend'> {
  readonly config: VitConfig;
}

type Flavour = KernelReport['flavour'];
/** `wide` has the bits of `relaxed`, so that a worker may do with that where a busy machine hides that `wide` would pay. */
const bits = (flavour: Flavour): Flavour => (flavour === 'wide' ? 'relaxed' : flavour);

await setBackend('wasm');
serveGradients<Batch, WorkerSetting>(({ config, flavour, backend }) => {
  if (flavour !== 'mixed' && flavour !== 'stock') install({ flavour });
  const here = kernelReport();
  if (bits(here.flavour) !== bits(flavour) || here.backend !== backend) {
    throw new RecipeError(
      'RECIPE_WORKER_KERNELS',
      `a worker has the ${here.flavour} kernels on ${here.backend}, the main thread the ${flavour} ones on ${backend}; set the wasm backend and choose a flavour with install({ flavour }) of @proj/wasm-kernels/install that this machine surely has.`,
    );
  }
  return classifierGradients(config);
});
