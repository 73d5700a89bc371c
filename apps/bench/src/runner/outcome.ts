import type { Config, Finished, Json, Outcome, Settings, Task } from '../experiment.ts';
import type { Plan } from './plan.ts';
import type { Store } from './store.ts';

/** What reports are made from. */
export const outcomeOf = <S extends Settings>(settings: S, finished: readonly Finished[]): Outcome<S> => ({
  settings,
  of: <C extends Config, R extends Json>({ name }: Task<C, R>) =>
    finished.filter(({ task }) => task === name) as unknown as Finished<C, R>[],
});

/** Of all that a store has of a plan. */
export async function storedOutcome(plan: Plan, store: Store): Promise<Outcome> {
  const finished = await Promise.all(plan.jobs.map(({ id }) => store.finished(id)));
  return outcomeOf(
    plan.settings,
    finished.filter((one) => one !== undefined),
  );
}
