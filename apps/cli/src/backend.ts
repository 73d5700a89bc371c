/**
 * Loads tfjs, its WASM backend with our kernels, and what trains and evaluates on it. Commands that compute call this when they
 * run, so that all others start at once.
 */
export async function wasmRecipes() {
  const { kernelReport } = await import('./wasm.ts');
  return { kernelReport, ...(await import('@proj/recipes')) };
}
