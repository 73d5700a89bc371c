import { dispose, type Tensor, tidy, util } from '@tensorflow/tfjs-core';
import { OpsError } from './error.ts';
import { fast } from './fast.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/** Lists with one tensor for each parameter, by the names under which they stand in messages. */
type Lists = Readonly<Record<string, readonly Tensor[]>>;

/** What comes in place of a parameter and its moments, from its gradient and them. */
type ComposedStep = (gradient: Tensor, old: readonly Tensor[], index: number) => Tensor[];

/**
 * One step of an optimizer for all parameters, by the kernel `proj.<name>` or composed. Disposes gradients and `consumed`, and
 * nothing where it throws; returns what comes in place of the lists in `consumed`, in their order.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`.
 */
export function consumingStep(
  name: string,
  gradients: readonly Tensor[],
  consumed: Lists,
  attributes: Readonly<Record<string, number | readonly number[]>>,
  composed: ComposedStep,
): Tensor[][] {
  requireMatching(name, { gradients, ...consumed });
  const count = gradients.length;
  const lists = Object.values(consumed);
  const given = [gradients, ...lists].flat();
  const results = tidy(() => {
    const inputs = Object.fromEntries(given.map((tensor, i) => [i, tensor]));
    return fast(name, inputs, { ...attributes, count }) ?? composeAll(gradients, lists, composed);
  });
  dispose(given);
  return lists.map((_, list) => results.slice(list * count, (list + 1) * count));
}

/** List after list, as the kernels return them. */
function composeAll(
  gradients: readonly Tensor[],
  lists: readonly (readonly Tensor[])[],
  composed: ComposedStep,
): Tensor[] {
  const updated = gradients.map((gradient, i) => {
    const old = lists.map((list) => list[i]!);
    return tidy(() => composed(gradient, old, i));
  });
  return lists.flatMap((_, list) => updated.map((tensors) => tensors[list]!));
}

function requireMatching(name: string, lists: Lists): void {
  const entries = Object.entries(lists);
  const count = entries[0]![1].length;
  if (entries.some(([, list]) => list.length !== count)) {
    const lengths = entries.map(([of, list]) => `${list.length} ${of}`).join(', ');
    throw new OpsError(
      'OPS_SHAPE_MISMATCH',
      `${name}: expected one of each for every parameter, got ${lengths}.`,
    );
  }
  for (let i = 0; i < count; i++) {
    const { shape } = entries[0]![1][i]!;
    // Named only where something is wrong: this runs for every parameter at every step.
    const fits = (tensor: Tensor): boolean =>
      tensor.dtype === 'float32' && util.arraysEqual(tensor.shape, shape);
    if (entries.every(([, list]) => fits(list[i]!))) continue;
    const here = Object.fromEntries(entries.map(([of, list]) => [`${of}[${i}]`, list[i]!]));
    requireFloat(name, here);
    requireShapes(false, name, 'tensors of one shape', here);
  }
}

/** Refuses a setting outside [`least`, `below`). */
export function requireSetting(
  name: string,
  setting: string,
  value: number,
  [least, below]: readonly [number, number] = [0, Number.POSITIVE_INFINITY],
): void {
  if (value >= least && value < below) return;
  throw new OpsError(
    'OPS_BAD_ARGUMENT',
    `${name}: ${setting} must be at least ${least} and less than ${below}, got ${value}.`,
  );
}
