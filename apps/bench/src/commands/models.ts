import { Command } from 'commander';
import type { Outcome, PresetName } from '../experiment.ts';
import type { CifarSettings } from '../ofq-study/cifar.ts';
import { storedOutcome } from '../runner/outcome.ts';
import { recordedOrNew } from '../runner/recorded.ts';
import type { Overrides } from '../runner/settings.ts';
import { Store } from '../runner/store.ts';
import { commandLine, planArguments, storeArguments } from './command-line.ts';
import { jsonOption, presetOption, setOption, storeOption } from './options.ts';

const examples = `
Examples:
  npm run bench -- run ofq-cifar10 --preset study
  npm run bench -- models --preset study --out models`;

interface Options {
  readonly preset: PresetName;
  readonly set: Overrides;
  readonly store: string;
  readonly out: string;
  readonly json?: boolean;
}

export const modelsCommand = (): Command =>
  new Command('models')
    .description('write the models of a study of ofq-cifar10 that is done: float16, W4A4 and W2A2')
    .addOption(presetOption())
    .addOption(setOption())
    .addOption(storeOption())
    .requiredOption('--out <folder>', 'where they go, with a README')
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action(async (options: Options) => {
      const { exportModels } = await import('../ofq-study/export-models.ts');
      const store = new Store(options.store);
      const plan = await recordedOrNew(store, 'ofq-cifar10', options.preset, options.set);
      const commands = [
        commandLine(['run', ...planArguments(plan), ...storeArguments(options)]),
        commandLine([
          'models',
          ...planArguments(plan).slice(1),
          ...storeArguments(options),
          '--out',
          options.out,
        ]),
      ];
      const outcome = (await storedOutcome(plan, store)) as Outcome<CifarSettings>;
      const models = await exportModels(outcome, options.out, commands);
      if (options.json === true) {
        const files = models.map(({ file, bytes, sha256, evaluated }) => ({
          ...{ file, bytes, sha256, top1: evaluated.result.top1 },
        }));
        process.stdout.write(
          `${JSON.stringify({ schema: 'proj.bench.models/1', models: files }, null, 2)}\n`,
        );
        return;
      }
      for (const { file, bytes, evaluated } of models)
        process.stdout.write(
          `${file}: ${bytes.toLocaleString('en-US')} bytes, ${(100 * evaluated.result.top1).toFixed(1)} %\n`,
        );
    });
