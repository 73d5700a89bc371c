import { BenchError } from '../error.ts';

/**
 * How products compute. `reproducible` gives the same bits on every machine, the others are faster and differ by rounding. `relaxed` is
 * content with `wide` where that is to be had, since it has the same bits; `wide` insists on it.
 */
export type Flavour = 'reproducible' | 'relaxed' | 'wide';

/**
 * Starts tfjs-wasm with our kernels of this flavour. tfjs is loaded here and not before, so that whoever only plans is quick.
 *
 * @throws {BenchError} BENCH_UNKNOWN where this machine does not have the flavour: its results would be others.
 */
export async function startKernels(flavour: Flavour): Promise<void> {
  const { setBackend } = await import('@tensorflow/tfjs-core');
  await import('@proj/ops/gradients');
  const { install, kernelReport } = await import('@proj/wasm-kernels/install');
  install({ flavour: flavour === 'relaxed' ? 'wide' : flavour });
  await setBackend('wasm');
  const inForce = kernelReport().flavour;
  if (inForce !== flavour && !(flavour === 'relaxed' && inForce === 'wide'))
    throw new BenchError(
      'BENCH_UNKNOWN',
      `this machine has no ${flavour} kernels, only ${inForce} ones; use another Node, or flavour=reproducible.`,
    );
}
