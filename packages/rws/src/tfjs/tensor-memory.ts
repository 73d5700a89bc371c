import { engine, keep, type Tensor, tensor, Variable } from '@tensorflow/tfjs-core';

/** What is used of tfjs-wasm's backend (4.22). */
interface WasmBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    readonly tfjs: {
      registerTensor(id: number, size: number, offset: number): void;
      disposeData(id: number): void;
    };
  };
  readonly dataIdMap: {
    has(dataId: object): boolean;
    get(dataId: object): { readonly id: number; readonly memoryOffset: number };
  };
  refCount(dataId: object): number;
}

/**
 * Gives a float32 tensor or variable other values. It stays the same object, and whoever computes with it next sees them.
 *
 * On the wasm backend they are written where the old ones lie, unless a clone, a reshaped tensor or anything else shares that memory. The
 * packed copies that tfjs's own kernels (XNNPACK) keep under a tensor's number until it is disposed would be stale then; the module is told that it was disposed and
 * registers it anew, which drops them. Everywhere else the tensor gets a new bucket of data, as `Variable.assign` does: copies kept under
 * the old bucket are found no more, those who share it keep their values, and no more tensors are alive than before.
 */
export function overwrite(target: Tensor, values: Float32Array): void {
  const backend = wasmBackendOf(target);
  if (backend !== undefined && backend.refCount(target.dataId) === 1) {
    const { id, memoryOffset } = backend.dataIdMap.get(target.dataId);
    const { HEAPU8, tfjs } = backend.wasm;
    HEAPU8.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), memoryOffset);
    tfjs.disposeData(id);
    tfjs.registerTensor(id, values.length, memoryOffset);
    return;
  }
  // A backend may keep the array itself, which belongs to the caller.
  const fresh = tensor(values.slice(), target.shape, 'float32');
  engine().disposeTensor(target);
  target.dataId = fresh.dataId;
  engine().incRef(target, null as never);
  // What surrounds this call (tf.tidy) must not take the weight for an intermediate result.
  if (!(target instanceof Variable)) keep(target);
  fresh.dispose();
}

/**
 * The values of a float32 tensor, to be read at once: on the wasm backend where they lie.
 */
export function peek(source: Tensor): Float32Array {
  const backend = wasmBackendOf(source);
  if (backend === undefined) return source.dataSync() as Float32Array;
  const { memoryOffset } = backend.dataIdMap.get(source.dataId);
  return new Float32Array(backend.wasm.HEAPU8.buffer, memoryOffset, source.size);
}

/** The wasm backend, where the tensor's data lies on it. */
function wasmBackendOf({ dataId }: Tensor): WasmBackend | undefined {
  const backend: unknown = engine().backend;
  if (typeof backend !== 'object' || backend === null || !('wasm' in backend) || !('dataIdMap' in backend)) {
    return undefined;
  }
  const wasm = backend as WasmBackend;
  const usable =
    typeof wasm.wasm?.tfjs?.registerTensor === 'function' && wasm.wasm.HEAPU8 instanceof Uint8Array;
  return usable && wasm.dataIdMap.has(dataId) ? wasm : undefined;
}
