// Tensors and their values

// Codes of 1 to 8 bits
export { packBits, unpackBits } from './bits.ts';
// Errors
export { TENSOR_IO_ERROR_CODES, TensorIoError, type TensorIoErrorCode } from './errors.ts';

// Fingerprints
export { sha256, stateSha256, tensorSha256 } from './fingerprint.ts';
export { type OpenSafetensors, openSafetensors, type SafetensorsSource } from './lazy.ts';
// safetensors
export { parseSafetensors, serializeSafetensors } from './safetensors.ts';
export { MAX_HEADER_BYTES, type TensorInfo } from './safetensors-header.ts';
export type { ByteSource } from './source.ts';
export type { DType, Metadata, StateDict, TensorData } from './state.ts';
export { type TensorValues, tensorData, toFloat32, toFloat64 } from './tensor.ts';
