import { install, type KernelReport, kernelReport } from '@proj/wasm-kernels/install';
import { RecipeError } from './error.ts';

/** The kernels that are in force in the main thread. */
export type KernelsThere = Pick<KernelReport, 'flavour' | 'backend'>;

type Flavour = KernelReport['flavour'];
/** `wide` has the bits of `relaxed`, so that a worker may do with that where a busy machine hides that `wide` would pay. */
const bits = (flavour: Flavour): Flavour => (flavour === 'wide' ? 'relaxed' : flavour);

/**
 * Installs the main thread's kernels in a worker.
 *
 * @throws {RecipeError} `RECIPE_WORKER_KERNELS` where it cannot have them.
 */
export function installAsThere({ flavour, backend }: KernelsThere): void {
  if (flavour !== 'mixed' && flavour !== 'stock') install({ flavour });
  const here = kernelReport();
  if (bits(here.flavour) !== bits(flavour) || here.backend !== backend) {
    throw new RecipeError(
      'RECIPE_WORKER_KERNELS',
      `a worker has the ${here.flavour} kernels on ${here.backend}, the main thread the ${flavour} ones on ${backend}; set the wasm backend and choose a flavour with install({ flavour }) of @proj/wasm-kernels/install that this machine surely has.`,
    );
  }
}
