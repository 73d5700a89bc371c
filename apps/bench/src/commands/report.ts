import { join } from 'node:path';
import { Command } from 'commander';
import { BenchError } from '../error.ts';
import type { PresetName } from '../experiment.ts';
import { experimentOf } from '../runner/open.ts';
import { runName } from '../runner/plan.ts';
import { recordedOrNew, recordedPlans } from '../runner/recorded.ts';
import type { Overrides } from '../runner/settings.ts';
import { Store } from '../runner/store.ts';
import { jsonOption, presetOption, setOption, storeOption } from './options.ts';

const examples = `
Examples:
  npm run bench -- report                                    # of everything that was run here
  npm run bench -- report rws-smoke --preset smoke
  npm run bench -- report rws-smoke --preset study --set seeds=0,1 --out my-report
  npm run bench -- report ./my-experiment.js --json`;

interface Options {
  readonly preset: PresetName;
  readonly set: Overrides;
  readonly store: string;
  readonly out?: string;
  readonly json?: boolean;
}

export const reportCommand = (): Command =>
  new Command('report')
    .description('make tables and figures of what is done, however much that is')
    .argument('[experiment]', 'its name, or the path of its module; without it, everything that was run')
    .addOption(presetOption())
    .addOption(setOption())
    .addOption(storeOption())
    .option('--out <folder>', 'where the report goes; default: reports/ in the store')
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action(async (name: string | undefined, options: Options) => {
      // The drawing of figures takes a while to load.
      const { writeReport } = await import('../report/index.ts');
      const { isDone } = await import('../report/report.ts');
      const { terminalText } = await import('../report/terminal.ts');
      const store = new Store(options.store);
      const plans =
        name === undefined
          ? await recordedPlans(store)
          : [await recordedOrNew(store, name, options.preset, options.set)];
      if (plans.length === 0)
        throw new BenchError('BENCH_UNKNOWN', `nothing was run with the store ${store.root} yet.`);
      const made = [];
      for (const plan of plans) {
        const run = runName(plan);
        const folder = folderOf(store, run, options.out, name === undefined);
        const { html, report, files } = await writeReport(plan, store, await experimentOf(plan), folder);
        const done = report.jobs.filter(isDone).length;
        made.push({ run, folder, html, files, jobs: report.jobs.length, done });
        if (options.json !== true) process.stdout.write(`${report.title}\n\n${terminalText(report)}\n`);
        process.stderr.write(`Report: ${html}\n`);
      }
      if (options.json === true)
        process.stdout.write(
          `${JSON.stringify({ schema: 'proj.bench.reports/1', reports: made }, null, 2)}\n`,
        );
    });

const folderOf = (store: Store, run: string, out: string | undefined, several: boolean): string => {
  if (out === undefined) return store.report(run);
  return several ? join(out, run) : out;
};
