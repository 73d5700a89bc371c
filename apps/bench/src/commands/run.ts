import { Command } from 'commander';
import { planFor } from '../runner/open.ts';
import { Store } from '../runner/store.ts';
import { planArguments, queueArguments, storeArguments } from './command-line.ts';
import { type ExecuteOptions, execute, withExecution } from './execute.ts';
import { type PlanOptions, presetOption, setOption, storeOption } from './options.ts';

const examples = `
Examples:
  npm run bench -- run rws-smoke
  npm run bench -- run rws-smoke --preset study --jobs 8 --store /data/results
  npm run bench -- run rws-smoke --set seeds=0,1,2
  npm run bench -- run ./my-experiment.js --json
  npm run bench -- run rws-smoke --preset full --queue redis://host:6379 --store /shared/results

Jobs that are done are not run again, by whatever experiment they were. After Ctrl-C, a kill or a power cut
the same command goes on from the last checkpoints.

Exit codes: 0 all done, 1 some jobs failed, 2 wrong usage, 130 Ctrl-C.`;

export const runCommand = (): Command =>
  withExecution(
    new Command('run')
      .description('run what is not done yet of an experiment, then show and write its report')
      .argument('<experiment>', 'its name, or the path of its module')
      .addOption(presetOption())
      .addOption(setOption())
      .addOption(storeOption()),
  )
    .addHelpText('after', examples)
    .action(async (name: string, options: PlanOptions & ExecuteOptions) => {
      const plan = await planFor(name, options.preset, options.set);
      const again = ['run', ...planArguments(plan), ...storeArguments(options), ...queueArguments(options)];
      await execute(plan, new Store(options.store), options, again);
    });
