import type { Tensor } from '@tensorflow/tfjs-core';
import { RwsError } from '../error.ts';

/** tf.LayersModel and tf.Sequential of @tensorflow/tfjs-layers, as far as it matters here. */
export interface LayersModelLike {
  readonly weights: readonly { readonly name: string; read(): Tensor }[];
}

/** tf.GraphModel of @tensorflow/tfjs-converter, as far as it matters here. */
export interface GraphModelLike {
  readonly weights: { readonly [name: string]: Tensor[] };
}

/** Where live weights are: a model of tfjs's, or tensors and variables by name. */
export type WeightSource = LayersModelLike | GraphModelLike | ReadonlyMap<string, Tensor>;

/** Where one tensor of a signature is in the model. */
export interface WeightPlace {
  /** The weight's name in the model. */
  readonly name: string;
  /** The model's axes in terms of the signature's, as for `tf.transpose`; absent where the layouts are the same. */
  readonly axes?: readonly number[];
}

/** From PyTorch's layouts, in which signatures of the common architectures are, to those of tfjs's layers. */
export const layerAxes = {
  /** [out, in] to [in, out]. */
  dense: [1, 0],
  /** [out, in, height, width] to [height, width, in, out]. */
  conv2d: [2, 3, 1, 0],
  /** [channels, 1, height, width] to [height, width, channels, 1]. */
  depthwiseConv2d: [2, 3, 0, 1],
} as const satisfies Readonly<Record<string, readonly number[]>>;

/**
 * The float32 weights of a model by name; what else it holds (integers, functions' tensor arrays) no signature can touch.
 *
 * @throws {RwsError} `RWS_OPTION_INVALID` for two weights of one name.
 */
export function weightsOf(source: WeightSource): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const [name, tensor] of entriesOf(source)) {
    if (weights.has(name)) {
      throw new RwsError('RWS_OPTION_INVALID', `the model has two weights called "${name}".`);
    }
    weights.set(name, tensor);
  }
  return weights;
}

function entriesOf(source: WeightSource): [string, Tensor][] {
  if (source instanceof Map) return [...source];
  const { weights } = source as LayersModelLike | GraphModelLike;
  if (isList(weights)) return weights.map((variable) => [variable.name, variable.read()]);
  return Object.entries(weights).flatMap(([name, tensors]): [string, Tensor][] =>
    tensors.length === 1 ? [[name, tensors[0]!]] : [],
  );
}

const isList = (
  weights: LayersModelLike['weights'] | GraphModelLike['weights'],
): weights is LayersModelLike['weights'] => Array.isArray(weights);

/** `values` of a tensor of `shape`, its axes permuted as `tf.transpose` does. */
export function transposed(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const outer = axes.map((axis) => shape[axis]!);
  const steps = axes.map((axis) => strides[axis]!);
  const result = new Float32Array(values.length);
  const rank = axes.length;
  const index = new Array<number>(rank).fill(0);
  let from = 0;
  for (let at = 0; at < result.length; at++) {
    result[at] = values[from]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      index[axis] = index[axis]! + 1;
      if (index[axis]! < outer[axis]!) break;
      from -= steps[axis]! * outer[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** The permutation that undoes another. */
export function inverse(axes: readonly number[]): number[] {
  const result = new Array<number>(axes.length);
  for (const [i, axis] of axes.entries()) result[axis] = i;
  return result;
}
