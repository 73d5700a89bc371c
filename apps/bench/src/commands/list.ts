import { Command } from 'commander';
import { listExperiments, openExperiment, presetNames } from '../runner/open.ts';
import { jsonOption } from './options.ts';

const examples = `
Examples:
  npm run bench -- list
  npm run bench -- list rws-smoke      # with the settings of its presets
  npm run bench -- list --json`;

export const listCommand = (): Command =>
  new Command('list')
    .description('name the experiments and their presets')
    .argument('[experiment]', 'show its settings, too: its name, or the path of its module')
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action(async (chosen: string | undefined, { json }: { readonly json?: boolean }) => {
      const experiments = [];
      for (const name of chosen === undefined ? await listExperiments() : [chosen]) {
        const { experiment } = await openExperiment(name);
        const { title, about, presets } = experiment;
        experiments.push({ name: experiment.name, title, about, presets });
      }
      if (json === true) {
        process.stdout.write(`${JSON.stringify({ schema: 'proj.bench.list/1', experiments }, null, 2)}\n`);
        return;
      }
      for (const { name, title, about, presets } of experiments) {
        process.stdout.write(`${name}: ${title}\n  ${about}\n`);
        for (const preset of presetNames) {
          process.stdout.write(`  --preset ${preset}: ${presets[preset].about}\n`);
          if (chosen === undefined) continue;
          for (const [setting, value] of Object.entries(presets[preset].settings))
            process.stdout.write(`      ${setting}=${value}\n`);
        }
        process.stdout.write('\n');
      }
    });
