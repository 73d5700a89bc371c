import type { NamedTensors } from '@proj/ops';
import type { Optimizer, OptimizerState } from '@proj/trainer';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';

/** New gradients, for some of the parameters. */
type Replacement = (
  parameters: NamedTensors,
  gradients: NamedTensors,
  state: OptimizerState,
) => ReadonlyMap<string, Tensor>;

/** `optimizer` with gradients replaced before its step. Like it, consumes all it is given, or, where it throws, nothing. */
export function withGradients(optimizer: Optimizer, replacement: Replacement): Optimizer {
  return {
    ...optimizer,
    step(parameters, gradients, state) {
      const replaced = replacement(parameters, gradients, state);
      try {
        const result = optimizer.step(parameters, new Map([...gradients, ...replaced]), state);
        dispose([...replaced.keys()].map((name) => gradients.get(name)!));
        return result;
      } catch (error) {
        dispose([...replaced.values()]);
        throw error;
      }
    },
  };
}
