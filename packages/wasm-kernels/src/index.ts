// Errors
export { WasmKernelsError, type WasmKernelsErrorCode } from './error.ts';

// Kernels over a memory that the caller owns
export { ACTIVATION, createKernels, type Kernels } from './kernels.ts';
export type { Flavour } from './module.ts';
