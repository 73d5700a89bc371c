import type { FlavourChoice } from '@proj/wasm-kernels/install';
import type { Output } from './output.ts';

/**
 * Loads tfjs, its WASM backend with our kernels of a flavour, and what trains and evaluates on it. Commands that compute call this
 * when they run, so that all others start at once.
 */
export async function wasmRecipes(flavour: FlavourChoice, output: Output) {
  const { install, kernelReport } = await import('./wasm.ts');
  install({ flavour });
  const inForce = kernelReport().flavour;
  if (flavour !== 'auto' && inForce !== flavour) {
    output.note(`the ${flavour} kernels are not to be had here, taking the ${inForce} ones; see proj doctor`);
  }
  return { kernelReport, ...(await import('@proj/recipes')) };
}
