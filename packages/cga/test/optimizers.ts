import { adamw, type Optimizer, sgd } from '@proj/trainer';
import { add, dispose, mul, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { NamedTensors, Stepping } from '../src/index.ts';

/** Stepping optimizers of all kinds: with momentum, with decay of both kinds, the trainer's and one that nobody knows. */
export const optimizers: readonly (readonly [string, Optimizer | Stranger])[] = [
  ['AdamW with weight decay', adamw({ learningRate: 0.01, weightDecay: 0.1, noDecay: () => false })],
  ['SGD with momentum and an L2 penalty', sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 })],
  ['an optimizer of somebody else', signDescent()],
];

/** Its state is not the trainer's. */
interface Stranger extends Stepping<{ readonly steps: number }> {
  init(parameters: NamedTensors): { readonly steps: number };
}

/** Moves every weight at every step, whatever its gradient, and gives its parameters a new order. */
function signDescent(): Stranger {
  return {
    init: () => ({ steps: 0 }),
    step(parameters, gradients, { steps }) {
      const moved = [...parameters].map(([name, weight]): [string, Tensor] => [
        name,
        tidy(() => sub(add(mul(weight, 0.9), 0.003), mul(gradients.get(name)!, 0.1))),
      ]);
      dispose([...parameters.values(), ...gradients.values()]);
      return { parameters: new Map(moved.reverse()), state: { steps: steps + 1 } };
    },
  };
}
