import { codes, freezeWeights, type OscillationState, trackOscillation } from '@proj/quant-stats';
import type { Optimizer } from '@proj/trainer';
import { tidy } from '@tensorflow/tfjs-core';
import type { AgainstOscillation } from './recipe.ts';
import type { LsqWeight } from './weights.ts';

type Freezing = Extract<AgainstOscillation, { method: 'freezing' }>;

/** Iterative freezing, and what it remembers of every weight. */
export interface IterativeFreezing {
  /** `optimizer` that afterwards holds the weights which oscillate. */
  around(optimizer: Optimizer): Optimizer;
  /** For a checkpoint. The arrays are those that it goes on with. */
  states: ReadonlyMap<string, OscillationState>;
}

/**
 * Iterative freezing (Nagel et al. 2022, section 4.3): weights whose codes oscillate more often than a threshold stay at their average code
 * from then on; the threshold falls along a half cosine over so many steps.
 */
export function iterativeFreezing(
  weights: readonly LsqWeight[],
  { momentum, threshold: { from, to } }: Freezing,
  steps: number,
): IterativeFreezing {
  const freezing: IterativeFreezing = {
    states: new Map(),
    around: (optimizer) => ({
      ...optimizer,
      step(parameters, gradients, state) {
        const freezeAbove = to + ((from - to) / 2) * (1 + Math.cos((Math.PI * state.step) / steps));
        const result = optimizer.step(parameters, gradients, state);
        const held = new Map(result.parameters);
        const states = new Map<string, OscillationState>();
        for (const { name, quantizer, step } of weights) {
          const [weight, steps] = [held.get(name)!, held.get(step)!];
          const now = tidy(() => codes(quantizer, weight, steps).dataSync());
          const tracked = trackOscillation(freezing.states.get(name), now, { momentum, freezeAbove });
          states.set(name, tracked.state);
          held.set(name, freezeWeights(quantizer, weight, steps, tracked.state.freezing!));
          weight.dispose();
        }
        freezing.states = states;
        return { ...result, parameters: held };
      },
    }),
  };
  return freezing;
}
