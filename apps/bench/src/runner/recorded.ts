import type { PresetName } from '../experiment.ts';
import { openExperiment, planFor } from './open.ts';
import { type Plan, runName } from './plan.ts';
import { type Overrides, overridden } from './settings.ts';
import type { Store } from './store.ts';

/** Everything that was run with a store. */
export async function recordedPlans(store: Store): Promise<Plan[]> {
  const plans = await Promise.all((await store.runs()).map((run) => store.run(run)));
  return plans.filter((plan) => plan !== undefined);
}

/** What was run, if it was run: the code, and with it the jobs' ids, may have changed since, and the data may not be here. */
export async function recordedOrNew(
  store: Store,
  nameOrPath: string,
  preset: PresetName,
  overrides: Overrides,
): Promise<Plan> {
  const { experiment } = await openExperiment(nameOrPath);
  const settings = overridden(experiment.presets[preset].settings, overrides);
  const run = runName({ experiment: experiment.name, preset, settings, overrides });
  return (await store.run(run)) ?? planFor(nameOrPath, preset, overrides);
}
