import type { DType } from '@proj/tensor-io';

/** ONNX 1.12 (June 2022): the first operator set with LayerNormalization, and the representation that came with it. */
export const irVersion = 8;
export const operatorSet = 17;

// What this package writes of onnx.proto: the numbers of the fields, which stay theirs for good.
export const modelProto = {
  irVersion: 1,
  producerName: 2,
  graph: 7,
  opsetImport: 8,
  metadataProps: 14,
} as const;
export const operatorSetIdProto = { domain: 1, version: 2 } as const;
export const stringStringEntryProto = { key: 1, value: 2 } as const;
export const graphProto = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
export const nodeProto = { input: 1, output: 2, name: 3, opType: 4, attribute: 5 } as const;
export const attributeProto = { name: 1, f: 2, i: 3, ints: 8, type: 20 } as const;
export const tensorProto = { dims: 1, dataType: 2, name: 8, rawData: 9 } as const;
export const valueInfoProto = { name: 1, type: 2 } as const;
export const typeProto = { tensorType: 1 } as const;
export const tensorTypeProto = { elemType: 1, shape: 2 } as const;
export const tensorShapeProto = { dim: 1 } as const;
export const dimension = { dimValue: 1, dimParam: 2 } as const;

/** AttributeProto.AttributeType. */
export const attributeType = { float: 1, int: 2, ints: 7 } as const;

/** TensorProto.DataType; `raw_data` holds the elements little-endian in C order, as `TensorData` does. */
export const dataType: Readonly<Record<DType, number>> = {
  F32: 1,
  U8: 2,
  I8: 3,
  I16: 5,
  I32: 6,
  I64: 7,
  BOOL: 9,
  F16: 10,
  F64: 11,
  BF16: 16,
};
