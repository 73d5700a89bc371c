/** Element types, with safetensors' names. */
export type DType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

/** One tensor: little-endian bytes in C order. `bytes.length` is the product of `shape` times the element size. */
export interface TensorData {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * Parameters as the field names them: an ordered map from name to tensor. A `Map`, so that a tensor called
 * `__proto__` is only a tensor. Nobody writes into the bytes of a state dict that was handed to them.
 */
export type StateDict = ReadonlyMap<string, TensorData>;

/** The string pairs of safetensors' `__metadata__`. */
export type Metadata = ReadonlyMap<string, string>;
