import { publishedSchedule } from '@proj/cga';
import type { LayerState, OscillationRecord, OscillationState } from '@proj/quant-stats';
import type { Companion, Optimizer } from '@proj/trainer';
import { dampened } from './dampening.ts';
import { iterativeFreezing } from './freezing.ts';
import type { QuantizeClassifierOptions } from './options.ts';
import { watchOscillation } from './oscillation.ts';
import { recalled, remembered } from './remembered.ts';
import { blockWeights, lsqWeights } from './weights.ts';

/** What stands around the optimizer and sees the weights after every step. */
interface Observers {
  around(optimizer: Optimizer): Optimizer;
  /** Where one is due after so many steps. */
  record(step: number): OscillationRecord | undefined;
  /** Where anything is remembered from step to step. */
  readonly companion: Companion | undefined;
}

/** What a checkpoint holds of them. */
interface Remembered {
  readonly oscillation?: readonly (readonly [string, LayerState])[];
  readonly freezing?: readonly (readonly [string, OscillationState])[];
}

/** The baselines against oscillation, and around them whoever watches. `steps` are those of the training, without annealing. */
export function observersOf(
  { config, design, recipe, oscillation }: QuantizeClassifierOptions<unknown>,
  steps: number,
): Observers {
  const { against, annealing } = recipe;
  const lsq = against === undefined ? [] : lsqWeights(config, design);
  const freezing = against?.method === 'freezing' ? iterativeFreezing(lsq, against, steps) : undefined;
  const watch =
    oscillation &&
    watchOscillation(
      blockWeights(config, design),
      annealing?.boundaryRange ?? publishedSchedule.boundaryRange,
    );
  return {
    around(optimizer) {
      const damped =
        against?.method === 'dampening' ? dampened(optimizer, lsq, against.strength, steps) : optimizer;
      const held = freezing?.around(damped) ?? damped;
      return watch?.around(held) ?? held;
    },
    record: (step) =>
      watch !== undefined && step % oscillation!.everySteps === 0 ? watch.record() : undefined,
    companion:
      watch === undefined && freezing === undefined
        ? undefined
        : {
            save: () =>
              remembered({
                ...(watch && { oscillation: [...watch.states] }),
                ...(freezing && { freezing: [...freezing.states] }),
              } satisfies Remembered),
            restore(state) {
              const before = recalled(state) as Remembered | undefined;
              if (watch !== undefined) watch.states = new Map(before?.oscillation);
              if (freezing !== undefined) freezing.states = new Map(before?.freezing);
            },
          },
  };
}
