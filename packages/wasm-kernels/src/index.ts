// Kernels over a memory that the caller owns

// Errors
export { WasmKernelsError, type WasmKernelsErrorCode } from './error.ts';
export { createKernels, type Kernels } from './kernels.ts';
