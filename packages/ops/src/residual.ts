import { clone, engine, matMul, reshape, type Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { fast } from './fast.ts';
import { requireEps } from './layer-norm.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/** Weight [out, in] (a LayerNorm's: [C]) and bias [out]. */
export interface Affine {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** A linear layer of a branch; `width` is the size of its other side than C. */
interface Layer {
  readonly name: string;
  readonly affine: Affine;
  readonly width: number;
}

/** Refuses parameters of a branch x + last(...first(norm(x))) that do not fit x [..., C], each other, or float32. */
export function requireBranch(
  operation: string,
  x: Tensor,
  norm: Affine,
  first: Layer,
  last: Layer,
  eps: number,
): void {
  const tensors = {
    x,
    'norm.weight': norm.weight,
    'norm.bias': norm.bias,
    [`${first.name}.weight`]: first.affine.weight,
    [`${first.name}.bias`]: first.affine.bias,
    [`${last.name}.weight`]: last.affine.weight,
    [`${last.name}.bias`]: last.affine.bias,
  };
  requireFloat(operation, tensors);
  const channels = x.shape.at(-1) ?? 0;
  const [, ...parameters] = Object.values(tensors);
  const shapes = [
    [channels],
    [channels],
    [first.width, channels],
    [first.width],
    [channels, last.width],
    [channels],
  ];
  requireShapes(
    x.rank >= 2 && x.size > 0 && parameters.every(({ shape }, i) => shape.join() === shapes[i]!.join()),
    operation,
    `x [..., C], not empty, with norm [C], ${first.name} [${first.width}, C], ${last.name} [C, ${last.width}] and their biases`,
    tensors,
  );
  requireEps(operation, eps);
}

/** x [..., C] as rows [R, C]. */
export function rows(x: Tensor): Tensor {
  const channels = x.shape.at(-1)!;
  return reshape(x, [x.size / channels, channels]);
}

/** dweight and dbias of y = x weightᵀ + bias, by the kernels. */
export function affineGradients(dy: Tensor, x: Tensor): [Tensor, Tensor] {
  return [matMul(rows(dy), rows(x), true, false), fast('ColumnSums', { x: rows(dy) })![0]!];
}

/** Whether a tape records now: without one nothing need be kept. */
export const gradientsWanted = (): boolean => engine().state.gradientDepth > 0;

/**
 * A branch by the kernel `name`, which returns its value and what is `kept` for the kernel `<name>Gradient`: that takes dy, the
 * inputs without those that are `unread`, and the kept, and returns one gradient for each input, but none for `residual`, which
 * comes last where it is given and gets dy.
 */
export function branch(
  name: string,
  inputs: Readonly<Record<string, Tensor>>,
  unread: readonly string[],
  kept: readonly string[],
  attrs: Readonly<Record<string, number>>,
): Tensor {
  const keeps = gradientsWanted();
  const names = Object.keys(inputs);
  const read = names.filter((name) => !unread.includes(name));
  const byName = (of: readonly string[], tensors: readonly Tensor[]): Record<string, Tensor> =>
    Object.fromEntries(of.map((name, i) => [name, tensors[i]!]));
  return differentiable(Object.values(inputs), (given) => {
    const tensors = byName(names, given);
    const [value, ...rest] = fast(name, tensors, { ...attrs, keep: keeps ? 1 : 0 })!;
    return {
      value: value!,
      saved: keeps ? [...read.map((name) => tensors[name]!), ...rest] : [],
      gradient: (dy, saved) => [
        ...fast(`${name}Gradient`, { dy, ...byName([...read, ...kept], saved) }, attrs)!,
        ...(names.at(-1) === 'residual' ? [clone(dy)] : []),
      ],
    };
  });
}
