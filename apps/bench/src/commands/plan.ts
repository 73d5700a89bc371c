import { Command } from 'commander';
import { estimatePlan } from '../runner/estimate.ts';
import { localCapacity } from '../runner/local.ts';
import { planFor } from '../runner/open.ts';
import { runName } from '../runner/plan.ts';
import { storedStates } from '../runner/states.ts';
import { Store } from '../runner/store.ts';
import { jobsOption, jsonOption, type PlanOptions, presetOption, setOption, storeOption } from './options.ts';
import { planText } from './plan-text.ts';
import { statesTable } from './status.ts';

const examples = `
Examples:
  npm run bench -- plan rws-smoke
  npm run bench -- plan rws-smoke --preset full --jobs 16
  npm run bench -- plan rws-smoke --set seeds=0,1 --each     # every job
  npm run bench -- plan ./my-experiment.js --json`;

export const planCommand = (): Command =>
  new Command('plan')
    .description('show what an experiment would run: jobs, time, disk, and what is already there')
    .argument('<experiment>', 'its name, or the path of its module')
    .addOption(presetOption())
    .addOption(setOption())
    .addOption(storeOption())
    .addOption(jobsOption())
    .option('--each', 'list every job')
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action(
      async (
        name: string,
        options: PlanOptions & { readonly jobs: number; readonly each?: boolean; readonly json?: boolean },
      ) => {
        const store = new Store(options.store);
        const plan = await planFor(name, options.preset, options.set);
        const estimate = await estimatePlan(plan, store, localCapacity(options.jobs));
        if (options.json === true) {
          const document = { ...plan, schema: 'proj.bench.planned/1', run: runName(plan), estimate };
          process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
          return;
        }
        process.stdout.write(planText(plan, estimate, options.jobs));
        if (options.each === true)
          process.stdout.write(`${statesTable(plan, await storedStates(plan, store))}\n`);
      },
    );
