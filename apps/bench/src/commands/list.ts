import { Command } from 'commander';
import { listExperiments, openExperiment, presetNames } from '../runner/open.ts';
import { jsonOption } from './options.ts';

const examples = `
Examples:
  npm run bench -- list
  npm run bench -- list --json`;

export const listCommand = (): Command =>
  new Command('list')
    .description('name the experiments, their presets and settings')
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action(async ({ json }: { readonly json?: boolean }) => {
      const experiments = [];
      for (const name of await listExperiments()) {
        const { title, about, presets } = (await openExperiment(name)).experiment;
        experiments.push({ name, title, about, presets });
      }
      if (json === true) {
        process.stdout.write(`${JSON.stringify({ schema: 'proj.bench.list/1', experiments }, null, 2)}\n`);
        return;
      }
      for (const { name, title, about, presets } of experiments) {
        process.stdout.write(`${name}: ${title}\n  ${about}\n`);
        for (const preset of presetNames) {
          const settings = Object.entries(presets[preset].settings).map(([key, value]) => `${key}=${value}`);
          process.stdout.write(
            `  --preset ${preset}: ${presets[preset].about}\n      ${settings.join(' ')}\n`,
          );
        }
        process.stdout.write('\n');
      }
    });
