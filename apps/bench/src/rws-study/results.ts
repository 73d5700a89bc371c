import type { CorruptionName } from '@proj/corruptions';
import type { Config, Finished, Json, Outcome, Task } from '../experiment.ts';
import type { Cell, Interval } from '../report/section.ts';
import { meanInterval } from '../report/statistics.ts';
import { rwsCarry } from '../tasks/rws-carry.ts';
import { rwsChoose } from '../tasks/rws-choose.ts';
import { rwsCompose } from '../tasks/rws-compose.ts';
import { rwsEvaluate } from '../tasks/rws-evaluate.ts';
import { rwsGeometry } from '../tasks/rws-geometry.ts';
import { type RemovalResult, rwsRemoval } from '../tasks/rws-removal.ts';
import { rwsSweep } from '../tasks/rws-sweep.ts';

/** Top-1 in percent. */
export interface Accuracy {
  readonly clean: number;
  readonly corrupted: number;
}

/** The finished jobs of a study, found by what they are made of. `study` is an architecture, or what signatures are carried to. */
export class StudyResults {
  readonly #outcome: Pick<Outcome, 'of'>;

  constructor(outcome: Pick<Outcome, 'of'>) {
    this.#outcome = outcome;
  }

  #find<C extends Config & { readonly study: string }, R extends Json>(
    task: Task<C, R>,
    study: string,
    seed: number,
    fits: (config: C) => boolean = () => true,
  ): Finished<C, R> | undefined {
    return this.#outcome
      .of(task)
      .find((one) => one.seed === seed && one.config.study === study && fits(one.config));
  }

  evaluated(study: string, seed: number, corruption: CorruptionName) {
    return this.#find(rwsEvaluate, study, seed, (config) => config.corruption === corruption)?.result;
  }

  /** A row of the evaluation, in percent, with the bytes that it takes. */
  row(
    study: string,
    seed: number,
    corruption: CorruptionName,
    name: string,
  ): (Accuracy & { bytes: number }) | undefined {
    const row = this.evaluated(study, seed, corruption)?.rows.find((one) => one.name === name);
    return row && { clean: 100 * row.clean, corrupted: 100 * row.corrupted, bytes: row.bytes };
  }

  chosen(study: string, seed: number, corruption: CorruptionName, variant: string) {
    return this.#find(
      rwsChoose,
      study,
      seed,
      (config) => config.corruption === corruption,
    )?.result.variants.find(({ name }) => name === variant);
  }

  swept(study: string, seed: number, corruption: CorruptionName) {
    return this.#find(rwsSweep, study, seed, (config) => config.corruption === corruption)?.result;
  }

  composed = (study: string, seed: number) => this.#find(rwsCompose, study, seed);
  geometry = (study: string, seed: number) => this.#find(rwsGeometry, study, seed)?.result;
  carried = (study: string, seed: number) => this.#find(rwsCarry, study, seed)?.result;

  removals(): readonly Finished<Record<string, never>, RemovalResult>[] {
    return this.#outcome.of(rwsRemoval);
  }
}

/** The mean over what is there, with its interval; null of nothing. */
export function over<T>(all: readonly T[], value: (one: T) => number | null | undefined): Interval | null {
  const values = all.map(value).filter((one) => one !== undefined && one !== null);
  return values.length === 0 ? null : meanInterval(values);
}

/** The mean over corruptions of one seed; undefined where one is missing. */
export function meanOf(values: readonly (number | undefined)[]): number | undefined {
  const there = values.filter((one) => one !== undefined);
  if (there.length === 0 || there.length < values.length) return undefined;
  return there.reduce((sum, one) => sum + one, 0) / there.length;
}

export const middle = (cell: Cell): number | null =>
  cell !== null && typeof cell === 'object' ? cell.mean : null;
