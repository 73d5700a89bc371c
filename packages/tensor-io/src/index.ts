export type { DType, Metadata, StateDict, TensorData } from './state.ts';
