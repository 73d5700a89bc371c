// Tensors and their values
export type { DType, Metadata, StateDict, TensorData } from './state.ts';
export { type TensorValues, tensorData, toFloat32, toFloat64 } from './tensor.ts';
export { toFloat16 } from './float16.ts';

// Fingerprints
export { sha256, stateSha256, tensorSha256 } from './fingerprint.ts';

// safetensors: whole files, lazy access, shards
export { parseSafetensors, serializeSafetensors } from './safetensors.ts';
export { type OpenSafetensors, openSafetensors, type SafetensorsSource } from './lazy.ts';
export { openShardedSafetensors } from './shards.ts';
export { MAX_HEADER_BYTES, type TensorInfo } from './safetensors-header.ts';
export type { ByteSource } from './source.ts';

// NumPy
export { parseNpy, serializeNpy } from './npy.ts';
export { parseNpz, serializeNpz } from './npz.ts';

// PyTorch
export { type PthFile, type PthValue, parsePth } from './pth.ts';

// Codes of 1 to 8 bits
export { packBits, unpackBits } from './bits.ts';

// Errors
export { TENSOR_IO_ERROR_CODES, TensorIoError, type TensorIoErrorCode } from './errors.ts';
