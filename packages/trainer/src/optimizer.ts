import type { NamedTensors } from '@proj/ops';
import { type Tensor, util, zerosLike } from '@tensorflow/tfjs-core';
import { TrainerError } from './error.ts';
import type { LearningRate, Schedule } from './schedule.ts';

/** What an optimizer remembers between steps. */
export interface OptimizerState {
  /** Steps taken so far, so also the step whose learning rate comes next. */
  readonly step: number;
  /** Moments under torch's names (`exp_avg`, `exp_avg_sq`, `momentum_buffer`), each a map like the parameters. */
  readonly moments: ReadonlyMap<string, NamedTensors>;
}

/**
 * An optimizer is two functions. Wrap one to change what it does, e.g. to freeze entries:
 * `{ ...optimizer, step(parameters, gradients, state) { ... } }`.
 */
export interface Optimizer {
  readonly learningRate: Schedule;
  /** Leaves `parameters` alone. */
  init(parameters: NamedTensors): OptimizerState;
  /** Consumes parameters, gradients and state: all their tensors are disposed, or, where it throws, none. */
  step(
    parameters: NamedTensors,
    gradients: NamedTensors,
    state: OptimizerState,
  ): { readonly parameters: NamedTensors; readonly state: OptimizerState };
}

/**
 * The state before the first step: zero moments.
 */
export function zeroState(parameters: NamedTensors, momentNames: readonly string[]): OptimizerState {
  const zeros = () => new Map([...parameters].map(([name, tensor]) => [name, zerosLike(tensor)]));
  return { step: 0, moments: new Map(momentNames.map((moment) => [moment, zeros()])) };
}

/** Parameters and moments as lists in the order of the parameters. */
interface Updated {
  readonly parameters: readonly Tensor[];
  /** In the order in which the state names them. */
  readonly moments: readonly (readonly Tensor[])[];
}

/**
 * Lets `update` take a step for all parameters, which consumes what it is given, and counts it.
 *
 * @throws {TrainerError} TRAINER_GRADIENTS_MISMATCH when the gradients are not those of the parameters.
 */
export function stepAll(
  parameters: NamedTensors,
  gradients: NamedTensors,
  state: OptimizerState,
  update: (lists: Updated & { readonly gradients: readonly Tensor[] }) => Updated,
): { parameters: NamedTensors; state: OptimizerState } {
  requireMatching(parameters, gradients);
  const names = [...parameters.keys()];
  const list = (tensors: NamedTensors): Tensor[] => names.map((name) => tensors.get(name)!);
  const named = (tensors: readonly Tensor[]): NamedTensors =>
    new Map(names.map((name, i) => [name, tensors[i]!]));
  const updated = update({
    parameters: list(parameters),
    gradients: list(gradients),
    moments: [...state.moments.values()].map(list),
  });
  const moments = new Map([...state.moments.keys()].map((moment, i) => [moment, named(updated.moments[i]!)]));
  return { parameters: named(updated.parameters), state: { step: state.step + 1, moments } };
}

export function requireMatching(parameters: NamedTensors, gradients: NamedTensors): void {
  for (const [name, { shape }] of parameters) {
    const gradient = gradients.get(name);
    if (gradient === undefined || !util.arraysEqual(gradient.shape, shape)) {
      const got = gradient === undefined ? 'there is none' : `its gradient has [${gradient.shape}]`;
      throw new TrainerError(
        'TRAINER_GRADIENTS_MISMATCH',
        `parameter "${name}" has shape [${shape}], ${got}; return one gradient of the same shape for each parameter.`,
      );
    }
  }
  for (const name of gradients.keys()) {
    if (!parameters.has(name)) {
      throw new TrainerError(
        'TRAINER_GRADIENTS_MISMATCH',
        `there is a gradient for "${name}" but no parameter of that name; return gradients for the parameters only.`,
      );
    }
  }
}

/** A constant is a schedule too. Every rate is checked when it is used. */
export function checkedSchedule(learningRate: LearningRate): Schedule {
  return (step) => {
    const rate = typeof learningRate === 'number' ? learningRate : learningRate(step);
    if (!(rate >= 0 && rate < Number.POSITIVE_INFINITY)) {
      throw new TrainerError(
        'TRAINER_LEARNING_RATE_INVALID',
        `the learning rate of step ${step} is ${rate}; it must be a finite number of at least 0.`,
      );
    }
    return rate;
  };
}
