/** What went wrong in a kernel or in taking hold of tfjs-wasm's heap. */
export type WasmKernelsErrorCode =
  | 'WASM_KERNELS_OUT_OF_MEMORY'
  | 'WASM_KERNELS_NO_MEMORY'
  | 'WASM_KERNELS_BAD_SHAPE'
  | 'WASM_KERNELS_BAD_DTYPE'
  | 'WASM_KERNELS_BAD_INDEX';

/** Thrown by everything in this package; the message names sizes or shapes and what to do. */
export class WasmKernelsError extends Error {
  override readonly name = 'WasmKernelsError';
  readonly code: WasmKernelsErrorCode;

  constructor(code: WasmKernelsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
