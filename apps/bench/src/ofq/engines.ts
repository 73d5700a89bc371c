import '@tensorflow/tfjs-backend-cpu';
import { install, kernelReport } from '@proj/wasm-kernels/install';
import { setBackend } from '@tensorflow/tfjs-core';

/** A flavour of the kernels on tfjs's wasm backend, or the operations composed of tfjs's own on its cpu backend. */
export type Engine = 'reproducible' | 'relaxed' | 'wide' | 'composed';

/** The engines that can be had here. */
export function availableEngines(): Engine[] {
  const flavours = (['reproducible', 'relaxed', 'wide'] as const).filter((flavour) => {
    install({ flavour });
    return kernelReport().flavour === flavour;
  });
  return [...flavours, 'composed'];
}

/** Has what follows run on that engine; without one on wasm, with the kernels that are in force. */
export async function useEngine(engine: Engine | undefined): Promise<void> {
  if (engine !== undefined && engine !== 'composed') install({ flavour: engine });
  await setBackend(engine === 'composed' ? 'cpu' : 'wasm');
}
