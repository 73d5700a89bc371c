import { clone, dispose, stack, sum, type Tensor, tidy, where, zerosLike } from '@tensorflow/tfjs-core';
import { type FreezeSpec, freezeMask, requireMatrix, requireSpec } from './confidence.ts';
import { CgaError } from './error.ts';
import { type FreezeReport, freezeCounter } from './report.ts';
import type { TargetRule } from './targets.ts';

/** An ordered map from names to live tensors. */
export type NamedTensors = ReadonlyMap<string, Tensor>;

/** What CGA needs of an optimizer: `@proj/trainer`'s are such, and so is anything with a step that consumes what it is given. */
export interface Stepping<State> {
  /** Disposes all tensors that it is given, or, where it throws, none. */
  step(
    parameters: NamedTensors,
    gradients: NamedTensors,
    state: State,
  ): { readonly parameters: NamedTensors; readonly state: State };
}

export interface CgaOptions {
  /** Bits of the targets' StatsQ quantizers, or of each by its name. */
  readonly bits: number | ((name: string) => number);
  /** As in `FreezeSpec`; the paper's is 0.005. */
  readonly boundaryRange: number;
  /** Which parameters are frozen where they are confident; see `targetRules`. The others train as they would without. */
  readonly targets: TargetRule;
  /** Told after every step; reads the masks back from the backend. */
  readonly onStep?: (report: FreezeReport) => void;
}

/**
 * `optimizer` with confidence-guided annealing (CGA, Liu et al. 2023): at every step, weights further from a threshold than the boundary
 * range are frozen. They keep their bits whatever momentum and weight decay would do; their gradients count as 0, so that moments decay.
 *
 * What is frozen is decided anew at every step from the weights before it, with scales recomputed: a weight that leaves the
 * range is frozen at the next step, and one that the moving scale of its row brings back trains again.
 *
 * `init` and the state are the optimizer's own, so that annealing goes on with the moments of the training before it. Like that
 * optimizer, `step` consumes what it is given, or nothing where it throws; it waits for the backend, to see that weights and
 * gradients are finite. A limit of the gradients' norm around it sees all gradients, one inside only those that are left.
 *
 * @throws {CgaError} CGA_OPTION_INVALID; its `step` CGA_NO_TARGETS, CGA_WEIGHT_INVALID for a target that is not [out, in],
 * CGA_GRADIENT_MISSING, CGA_NOT_FINITE naming the targets whose weights or gradients are NaN or infinite, and what the optimizer's throws.
 */
export function confidenceGuided<State, O extends Stepping<State>>(
  optimizer: O & Stepping<State>,
  { bits, boundaryRange, targets, onStep }: CgaOptions,
): O {
  if (typeof bits === 'number') requireSpec({ bits, boundaryRange });
  const specOf = (name: string): FreezeSpec => ({
    bits: typeof bits === 'number' ? bits : bits(name),
    boundaryRange,
  });
  const count = onStep && freezeCounter();
  return {
    ...optimizer,
    step(parameters: NamedTensors, gradients: NamedTensors, state: State) {
      const names = [...parameters.keys()].filter(targets);
      if (names.length === 0) throw noTargets(parameters);
      const freezing = freeze(names, parameters, gradients, specOf);
      // Clones share memory, which whoever writes in place then leaves alone, as tfjs's rules have it.
      const saved = names.map((name) => clone(parameters.get(name)!));
      const masked = new Map(gradients);
      for (const [i, name] of names.entries()) masked.set(name, freezing.gradients[i]!);
      let result: ReturnType<Stepping<State>['step']>;
      try {
        result = optimizer.step(parameters, masked, state);
      } catch (error) {
        dispose([saved, freezing.gradients, freezing.masks]);
        throw error;
      }
      dispose(names.map((name) => gradients.get(name)!));
      const restored = new Map(result.parameters);
      for (const [i, name] of names.entries()) {
        const moved = result.parameters.get(name)!;
        restored.set(name, where(freezing.masks[i]!, saved[i]!, moved));
        dispose([moved, saved[i]!]);
      }
      const masks = count && new Map(names.map((name, i) => [name, freezing.masks[i]!.dataSync()]));
      dispose(freezing.masks);
      if (masks !== undefined) onStep?.(count!(masks));
      return { ...result, parameters: restored };
    },
  };
}

/** Masks of the targets (true where frozen) and their gradients, 0 where frozen. */
interface Freezing {
  readonly masks: Tensor[];
  readonly gradients: Tensor[];
}

function freeze(
  names: readonly string[],
  parameters: NamedTensors,
  gradients: NamedTensors,
  specOf: (name: string) => FreezeSpec,
): Freezing {
  const { masks, masked, sums } = tidy(() => {
    const [masks, masked, sums]: [Tensor[], Tensor[], Tensor[]] = [[], [], []];
    for (const name of names) {
      const [weight, spec] = [parameters.get(name)!, specOf(name)];
      requireMatrix(name, weight);
      requireSpec(spec);
      const gradient = requireGradient(name, weight, gradients);
      tidy(() => {
        const { mask, scales } = freezeMask(weight, spec);
        const kept = where(mask, zerosLike(gradient), gradient);
        // Not finite where any summand is not: what a mask hides from the optimizer must not be hidden from us.
        const found = [mask, kept, sum(scales), sum(gradient)] as const;
        masks.push(found[0]);
        masked.push(found[1]);
        sums.push(found[2], found[3]);
        return found as unknown as Tensor[];
      });
    }
    return { masks, masked, sums: stack(sums) };
  });
  const values = sums.dataSync();
  sums.dispose();
  const wrong = names.flatMap((name, i) => [
    ...(Number.isFinite(values[2 * i]) ? [] : [`the weights of "${name}"`]),
    ...(Number.isFinite(values[2 * i + 1]) ? [] : [`the gradient of "${name}"`]),
  ]);
  if (wrong.length === 0) return { masks, gradients: masked };
  dispose([masks, masked]);
  throw new CgaError(
    'CGA_NOT_FINITE',
    `not finite: ${wrong.join(', ')}. Look at the batch or the step before. The step was not taken.`,
  );
}

function requireGradient(name: string, { shape }: Tensor, gradients: NamedTensors): Tensor {
  const gradient = gradients.get(name);
  if (gradient !== undefined && gradient.shape.join() === shape.join()) return gradient;
  const got = gradient === undefined ? 'there is none' : `it has [${gradient.shape.join(', ')}]`;
  throw new CgaError(
    'CGA_GRADIENT_MISSING',
    `"${name}" needs a gradient [${shape.join(', ')}], ${got}; return one gradient of the same shape for each parameter.`,
  );
}

function noTargets(parameters: NamedTensors): CgaError {
  const some = [...parameters.keys()].slice(0, 5).join(', ');
  return new CgaError(
    'CGA_NO_TARGETS',
    `none of the ${parameters.size} parameters (${some}${parameters.size > 5 ? ', ...' : ''}) is a target, so that nothing would be frozen; pass the rule for this model's names.`,
  );
}
