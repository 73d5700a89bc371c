import type { ImageDataset } from '@proj/datasets';
import { stateSha256 } from '@proj/tensor-io';
import { Command } from 'commander';
import { wasmRecipes } from '../backend.ts';
import { openData } from '../dataset.ts';
import { evaluateModel } from '../evaluation.ts';
import { CliError, exitCode, usageError } from '../exit.ts';
import { count } from '../format.ts';
import { interruption } from '../interruption.ts';
import { labelsTell } from '../labels.ts';
import { type AnyModelFile, type FloatModelFile, readAnyModel, readFloatModel } from '../model-file.ts';
import {
  corruptionOption,
  flavourOption,
  integerOption,
  type LookOptions,
  modelOption,
  numberOption,
  seedOption,
  severityOption,
  withData,
} from '../options.ts';
import { createOutput } from '../output.ts';

interface Options extends LookOptions {
  readonly against?: string;
  readonly minTop1?: number;
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description(
      'top-1 accuracy of a model, float or quantized, on a data set, clean or corrupted, with images per second',
    )
    .argument('<model>', 'safetensors, sharded index or .pth state dict with timm or torchvision names')
    .addOption(modelOption('architecture of a file without our metadata (default: by its shapes)'))
    .addOption(corruptionOption())
    .addOption(severityOption())
    .addOption(seedOption())
    .addOption(flavourOption())
    .option('--batch-size <n>', 'images at a time', integerOption(1), 16)
    .option('--against <model>', 'a float model: in how many images a quantized one agrees with it')
    .option('--resize', 'scale images of another size to that of the model')
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
      const model = await readAnyModel(file, options.model);
      const { state, config, quantization } = model;
      const against = await readAgainst(options, model);
      const dataset = await images(options, config);
      requireTellingLabels(model, dataset);
      const recipes = await wasmRecipes(options.flavour, output);
      const bar = output.progress('evaluating', dataset.length);
      const started = performance.now();
      const evaluation = await evaluateModel(recipes, model, against, {
        dataset,
        batchSize: options.batchSize,
        signal,
        progress({ count, top1 }) {
          const rate = (1000 * count) / (performance.now() - started);
          bar.update(count, `top-1 ${(100 * top1).toFixed(2)} %  ${rate.toFixed(1)} img/s`);
        },
      }).finally(() => bar.end());
      const { agreement, divergence } = evaluation;
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
        ...(quantization && { quantization }),
        ...(against && { against: { model: options.against, agreement, divergence } }),
      };
      output.result(
        'proj.evaluate/1',
        result,
        () =>
          `${config.name} on ${dataset.name}: top-1 ${top1.toFixed(2)} % of ${count(evaluation.count)} images, loss ${evaluation.loss.toFixed(4)}, ${evaluation.imagesPerSecond.toFixed(1)} images/s${agreementText(evaluation, options.against)}`,
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

function requireTellingLabels(model: AnyModelFile, dataset: ImageDataset): void {
  if (labelsTell(model, dataset)) return;
  const { classes, name } = model.config;
  throw new CliError(
    'CLI_CLASSES',
    exitCode.data,
    `${dataset.name} has ${dataset.classNames.length} classes and ${name} knows ${classes}, but the model file does not name them, so that nobody can say which of them the labels mean; use a data set with all ${classes}.`,
  );
}

async function readAgainst(
  { against, model: name }: Options,
  { config, quantization }: AnyModelFile,
): Promise<FloatModelFile | undefined> {
  if (against === undefined) return undefined;
  if (quantization === undefined) {
    throw usageError('--against compares a quantized model with a float one, and this model is a float one.');
  }
  const float = await readFloatModel(against, name);
  if (float.config.classes === config.classes && float.config.imageSize === config.imageSize) return float;
  throw usageError(
    `--against ${against}: it takes other images or knows other classes than the quantized model.`,
  );
}

const agreementText = (
  { agreement, divergence }: { readonly agreement?: number; readonly divergence?: number },
  against: string | undefined,
): string =>
  agreement === undefined || divergence === undefined
    ? ''
    : `\nagrees with ${against} in ${(100 * agreement).toFixed(2)} % of the images; KL divergence from it ${divergence.toFixed(4)}`;

async function images(
  options: Options,
  { imageSize, preprocessing }: { imageSize: number; preprocessing: { cropPct: number } },
): Promise<ImageDataset> {
  const { data, split, limit, resize, corruption: name, severity, seed } = options;
  const size = { size: imageSize, cropPct: preprocessing.cropPct };
  const dataset = await openData(data, { split, size, limit, resize });
  if (name === undefined) return dataset;
  const { corrupted } = await import('@proj/recipes');
  return corrupted(dataset, { name, severity, seed });
}
