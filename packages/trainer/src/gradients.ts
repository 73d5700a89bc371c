import type { NamedTensors } from '@proj/ops';
import { dispose, engine, keep, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { TrainerError } from './error.ts';
import { releaseTensors } from './release.ts';

/** What a training step learns from. A batch may carry more tensors, e.g. a teacher's logits. */
export interface Batch {
  /** First axis: images. */
  readonly images: Tensor;
  /** int32 [B] class indices or float32 [B, C] probabilities. */
  readonly targets: Tensor;
}

/** Loss and gradients of one batch. */
export interface ValueAndGradients {
  /** Scalar. */
  readonly loss: Tensor;
  /** One for each parameter, in the parameters' order. */
  readonly gradients: NamedTensors;
  /** The buffers after the step; those that did not change are the very tensors that were passed in. */
  readonly buffers: NamedTensors;
}

/** Whoever computes the gradients: a tape, a planned execution, several workers. Leaves its arguments alone. */
export type GradientFunction<B extends Batch> = (
  parameters: NamedTensors,
  buffers: NamedTensors,
  batch: B,
) => ValueAndGradients | Promise<ValueAndGradients>;

/** A scalar loss, with the new buffers where the forward pass updates some (batch normalization's statistics). */
export type LossFunction<B extends Batch> = (
  parameters: NamedTensors,
  buffers: NamedTensors,
  batch: B,
) => Tensor | { readonly loss: Tensor; readonly buffers: NamedTensors };

/**
 * Gradients of `loss` with respect to the named parameters, by tfjs's tape. Only loss, gradients and new buffers
 * outlive the call. Needs the gradients of every operation used: `import '@proj/ops/gradients'`.
 *
 * @throws {TrainerError} TRAINER_PARAMETER_UNUSED when the loss does not depend on a parameter; torch would leave
 * such a parameter as it is without a word.
 */
export function tapeGradients<B extends Batch>(
  loss: LossFunction<B>,
): (parameters: NamedTensors, buffers: NamedTensors, batch: B) => ValueAndGradients {
  return (parameters, buffers, batch) => {
    let newBuffers = buffers;
    const forward = (): Tensor => {
      const result = loss(parameters, buffers, batch);
      if (!('buffers' in result)) return result;
      newBuffers = result.buffers;
      for (const tensor of newBuffers.values()) keep(tensor);
      return result.loss;
    };
    const { value, grads } = differentiated(forward, [...parameters.values()], () =>
      releaseTensors(newBuffers, buffers),
    );
    // The tape leaves a hole for a parameter that the loss does not reach, whatever its type says.
    const found: readonly (Tensor | undefined)[] = grads;
    const names = [...parameters.keys()];
    const unused = names.filter((_, i) => found[i] == null);
    if (unused.length > 0) {
      dispose([value, ...found.filter((gradient) => gradient != null)]);
      releaseTensors(newBuffers, buffers);
      throw new TrainerError(
        'TRAINER_PARAMETER_UNUSED',
        `the loss does not depend on ${unused.map((name) => `"${name}"`).join(', ')}; use it in the loss or keep it out of the trained parameters.`,
      );
    }
    return {
      loss: value,
      gradients: new Map(names.map((name, i) => [name, grads[i]!])),
      buffers: newBuffers,
    };
  };
}

/** Value and gradients by the tape; where something throws, `release` is called and what the tape has kept is disposed, which tfjs leaves. */
function differentiated(forward: () => Tensor, xs: Tensor[], release: () => void) {
  try {
    return tidy(() => engine().gradients(forward, xs, undefined, true));
  } catch (error) {
    release();
    const { activeTape, gradientDepth } = engine().state;
    // There is no tape where the error came before it; one that an outer gradient goes on with is not ours.
    if (gradientDepth === 0) dispose((activeTape ?? []).flatMap(({ saved }) => saved ?? []));
    throw error;
  }
}
