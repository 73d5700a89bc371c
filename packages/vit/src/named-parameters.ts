import type { Affine, NamedTensors } from '@proj/ops';
import type { Tensor } from '@tensorflow/tfjs-core';
import { VitError } from './error.ts';

/** Parameters by name, where each that is missing is an error (`VIT_PARAMETER_MISSING`). */
export interface NamedParameters {
  get(name: string): Tensor;
  /** `<prefix>.weight` and `<prefix>.bias`. */
  affine(prefix: string): Affine;
}

export function namedParameters(parameters: NamedTensors): NamedParameters {
  const get = (name: string): Tensor => {
    const parameter = parameters.get(name);
    if (parameter !== undefined) return parameter;
    throw new VitError(
      'VIT_PARAMETER_MISSING',
      `there is no parameter ${name} among the ${parameters.size} given; checkParameters() lists all that differ.`,
    );
  };
  return { get, affine: (prefix) => ({ weight: get(`${prefix}.weight`), bias: get(`${prefix}.bias`) }) };
}
