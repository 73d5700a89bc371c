import { Command } from 'commander';
import { BenchError } from '../error.ts';
import { experimentArgument, planFor } from '../runner/open.ts';
import type { Plan } from '../runner/plan.ts';
import { Store } from '../runner/store.ts';
import { planArguments, queueArguments, storeArguments } from './command-line.ts';
import { type ExecuteOptions, execute, withExecution } from './execute.ts';
import { type PlanOptions, presetOption, setOption, storeOption } from './options.ts';

const examples = `
Examples:
  npm run bench -- retry --failed                            # of the only run in the store
  npm run bench -- retry rws-smoke --preset study --failed
  npm run bench -- retry rws-smoke --failed --queue redis://host:6379 --store /shared/results`;

export const retryCommand = (): Command =>
  withExecution(
    new Command('retry')
      .description('run an experiment again with the jobs that failed before')
      .argument('[experiment]', 'its name, or the path of its module; not needed where one run is recorded')
      .requiredOption('--failed', 'the jobs that failed, and what waits for them')
      .addOption(presetOption())
      .addOption(setOption())
      .addOption(storeOption()),
  )
    .addHelpText('after', examples)
    .action(async (name: string | undefined, options: PlanOptions & ExecuteOptions) => {
      const store = new Store(options.store);
      // Made anew: whoever mended a task has given its jobs another code version.
      const plan =
        name === undefined
          ? await again(await onlyRun(store))
          : await planFor(name, options.preset, options.set);
      for (const { id } of plan.jobs) await store.forgive(id);
      await execute(plan, store, options, [
        'run',
        ...planArguments(plan),
        ...storeArguments(options),
        ...queueArguments(options),
      ]);
    });

const again = (plan: Plan): Promise<Plan> => planFor(experimentArgument(plan), plan.preset, plan.overrides);

async function onlyRun(store: Store): Promise<Plan> {
  const names = await store.runs();
  const [name] = names;
  if (names.length === 1) return (await store.run(name!))!;
  throw new BenchError(
    'BENCH_UNKNOWN',
    name === undefined
      ? `nothing was run with the store ${store.root} yet.`
      : `name the experiment: ${names.join(', ')} were run with the store ${store.root}.`,
  );
}
