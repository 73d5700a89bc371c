import type { NamedTensors } from '@proj/ops';
import type { Tensor } from '@tensorflow/tfjs-core';
import { QkrError } from './error.ts';
import { type AttentionSizes, requireSizes } from './spec.ts';

/** A parameter's name after its prefix, and its shape in PyTorch's layout. */
export interface QkrParameter {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * The parameters of an attention with QKR, with names, shapes and order of the reference code (`QAttention_qkreparam`): `move_*_b4` and
 * `move_*_aft` are the learned shifts before and after a quantizer, `*.s` its steps.
 *
 * @throws {QkrError} QKR_OPTION_INVALID.
 */
export function qkrParameters(sizes: AttentionSizes): QkrParameter[] {
  requireSizes(sizes);
  const { tokens, width, heads } = sizes;
  const shapes: Readonly<Record<string, readonly number[]>> = {
    'proj.weight': [width, width],
    'proj.bias': [width],
    'proj.input_quant_fn.s': [tokens],
    'proj.move_b4.bias': [width],
    'proj.move_aft.bias': [width],
    'quant_x_4_qkv.input_quant_fn.s': [tokens],
    'quant_x_4_qkv.move_b4.bias': [width],
    'quant_x_4_qkv.move_aft.bias': [width],
    'q.weight': [width, width],
    'k.weight': [width, width],
    'v.weight': [width, width],
    'v.bias': [width],
    'quan_a_qkx_fn.s': [tokens * heads],
    'quan_a_v_fn.s': [width],
    'move_qkx_b4.bias': [heads * width],
    'move_qkx_aft.bias': [heads * width],
    'move_v_b4.bias': [width],
    'move_v_aft.bias': [width],
    'quan_a_softmax_fn.s': [tokens],
  };
  return Object.entries(shapes).map(([name, shape]) => ({ name, shape }));
}

/** `name` after `prefix`, where there is one. */
export const prefixed = (prefix: string, name: string): string =>
  prefix === '' ? name : `${prefix}.${name}`;

/**
 * A lookup, by the names of {@link qkrParameters}, of the parameters that stand after `prefix`; all are checked at once.
 *
 * @throws {QkrError} QKR_PARAMETERS_MISMATCH naming all that are missing or misshapen.
 */
export function lookup(
  parameters: NamedTensors,
  prefix: string,
  sizes: AttentionSizes,
  wanted: (name: string) => boolean = () => true,
): (name: string) => Tensor {
  const wrong = qkrParameters(sizes).flatMap(({ name, shape }) => {
    const tensor = parameters.get(prefixed(prefix, name));
    if (!wanted(name) || tensor?.shape.join() === shape.join()) return [];
    const got = tensor === undefined ? 'missing' : `[${tensor.shape.join(', ')}]`;
    return [`"${prefixed(prefix, name)}" is ${got}, expected [${shape.join(', ')}]`];
  });
  if (wrong.length === 0) return (name) => parameters.get(prefixed(prefix, name))!;
  const { tokens, width, heads } = sizes;
  throw new QkrError(
    'QKR_PARAMETERS_MISMATCH',
    `an attention of ${tokens} tokens, width ${width} and ${heads} heads: ${wrong.join('; ')}. Its steps fix the number of tokens; convert a float model with qkrFromFloat.`,
  );
}
