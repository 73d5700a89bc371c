import type { CorruptionName } from '@proj/corruptions';
import type { ImageDataset } from '@proj/datasets';
import { stateSha256 } from '@proj/tensor-io';
import type { FlavourChoice } from '@proj/wasm-kernels/install';
import { Command } from 'commander';
import { wasmRecipes } from '../backend.ts';
import { openData } from '../dataset.ts';
import { CliError, exitCode } from '../exit.ts';
import { count } from '../format.ts';
import { interruption } from '../interruption.ts';
import { readModel } from '../model-file.ts';
import {
  corruptionOption,
  flavourOption,
  type GlobalOptions,
  integerOption,
  modelOption,
  numberOption,
  seedOption,
  severityOption,
  withData,
} from '../options.ts';
import { createOutput } from '../output.ts';

interface Options extends GlobalOptions {
  readonly model?: string;
  readonly data: string;
  readonly split: 'train' | 'test';
  readonly corruption?: CorruptionName;
  readonly severity: number;
  readonly seed: number;
  readonly batchSize: number;
  readonly limit?: number;
  readonly minTop1?: number;
  readonly flavour: FlavourChoice;
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('top-1 accuracy of a model on a data set, clean or corrupted, with images per second')
    .argument('<model>', 'safetensors, sharded index or .pth state dict with timm names')
    .addOption(modelOption('architecture of a file without our metadata (default: by its shapes)'))
    .addOption(corruptionOption())
    .addOption(severityOption())
    .addOption(seedOption())
    .addOption(flavourOption())
    .option('--batch-size <n>', 'images at a time', integerOption(1), 16)
    .option('--limit <n>', 'only the first n images', integerOption(1))
    .option('--min-top1 <percent>', 'end with exit code 3 when the accuracy is lower', numberOption());
  withData(command, 'test');
  return command
    .addHelpText(
      'after',
      '\nExamples:\n  proj evaluate demo-results/standard.safetensors --data demo-results/digits\n  proj evaluate demo-results/patched.safetensors --data demo-results/digits --corruption fog --severity 5',
    )
    .action(async (file: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const output = createOutput(options);
      const signal = interruption();
      const { state, config, classNames } = await readModel(file, options.model);
      const dataset = await images(options, config);
      const { evaluateClassifier } = await wasmRecipes(options.flavour, output);
      const bar = output.progress('evaluating', dataset.length);
      const started = performance.now();
      const evaluation = await evaluateClassifier({
        config,
        state,
        classNames,
        dataset,
        batchSize: options.batchSize,
        signal,
        progress({ count, top1 }) {
          const rate = (1000 * count) / (performance.now() - started);
          bar.update(count, `top-1 ${(100 * top1).toFixed(2)} %  ${rate.toFixed(1)} img/s`);
        },
      }).finally(() => bar.end());
      const top1 = 100 * evaluation.top1;
      const result = {
        model: file,
        architecture: config.name,
        sha256: await stateSha256(state),
        dataset: dataset.name,
        images: evaluation.count,
        top1,
        loss: evaluation.loss,
        imagesPerSecond: evaluation.imagesPerSecond,
      };
      output.result(
        'proj.evaluate/1',
        result,
        () =>
          `${config.name} on ${dataset.name}: top-1 ${top1.toFixed(2)} % of ${count(evaluation.count)} images, loss ${evaluation.loss.toFixed(4)}, ${evaluation.imagesPerSecond.toFixed(1)} images/s`,
      );
      if (options.minTop1 !== undefined && top1 < options.minTop1) {
        throw new CliError(
          'CLI_BELOW_MINIMUM',
          exitCode.verification,
          `top-1 ${top1.toFixed(2)} % is below --min-top1 ${options.minTop1}.`,
        );
      }
    });
}

async function images(
  options: Options,
  { imageSize, preprocessing }: { imageSize: number; preprocessing: { cropPct: number } },
): Promise<ImageDataset> {
  const { data, split, limit, corruption: name, severity, seed } = options;
  const size = { size: imageSize, cropPct: preprocessing.cropPct };
  const dataset = await openData(data, { split, size, limit });
  if (name === undefined) return dataset;
  const { corrupted } = await import('@proj/recipes');
  return corrupted(dataset, { name, severity, seed });
}
