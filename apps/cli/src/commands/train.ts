import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CorruptionName } from '@proj/corruptions';
import type { ClassifierRecipe } from '@proj/recipes';
import { stateSha256 } from '@proj/tensor-io';
import { writeSafetensors } from '@proj/tensor-io/node';
import { type VitConfig, vitConfig, vitConfigs, vitMetadata } from '@proj/vit/forward';
import { Command, Option } from 'commander';
import { wasmRecipes } from '../backend.ts';
import { openData } from '../dataset.ts';
import { CliError, exitCode } from '../exit.ts';
import { readModel } from '../model-file.ts';
import {
  corruptionOption,
  type GlobalOptions,
  integerOption,
  numberOption,
  requireAbsent,
  seedOption,
  severityOption,
  withData,
} from '../options.ts';
import { createOutput, type Progress } from '../output.ts';

interface Options extends GlobalOptions {
  readonly data: string;
  readonly split: 'train' | 'test';
  readonly out: string;
  readonly model: string;
  readonly start?: string;
  readonly corruption?: CorruptionName;
  readonly severity: number;
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly warmupEpochs: number;
  readonly weightDecay: number;
  readonly cropPadding: number;
  readonly flip?: boolean;
  readonly checkpointEvery: number;
  readonly force?: boolean;
}

export function trainCommand(signal: AbortSignal): Command {
  const command = new Command('train')
    .description(
      'train a vision transformer, clean or on one corruption; Ctrl-C checkpoints, the same command goes on',
    )
    .requiredOption('--out <folder>', 'model.safetensors and checkpoint.safetensors go here')
    .addOption(
      new Option('--model <name>', 'architecture').choices(Object.keys(vitConfigs)).default('vit_cifar_32'),
    )
    .option('--start <model>', 'begin with these weights, e.g. a common start of clean and robust models')
    .addOption(corruptionOption())
    .addOption(severityOption())
    .addOption(seedOption())
    .option('--epochs <n>', 'passes over the data', integerOption(1), 10)
    .option('--batch-size <n>', 'images a step', integerOption(1), 64)
    .option('--learning-rate <x>', 'at the top of the cosine', numberOption, 1e-3)
    .option('--min-learning-rate <x>', 'at its end', numberOption, 1e-5)
    .option('--warmup-epochs <x>', 'linear warm-up', numberOption, 1)
    .option('--weight-decay <x>', 'decoupled, timm groups', numberOption, 0.05)
    .option('--crop-padding <n>', 'pad by n pixels and cut a random window', integerOption(0), 0)
    .option('--flip', 'mirror every second image by chance')
    .option('--checkpoint-every <steps>', 'steps between checkpoints', integerOption(1), 100)
    .option('--force', 'start again where a finished model or a checkpoint lies');
  withData(command, 'train');
  return command
    .addHelpText(
      'after',
      '\nExamples:\n  proj train --data cifar10 --out runs/clean --epochs 20 --crop-padding 4 --flip\n  proj train --data cifar10 --out runs/fog --start runs/start/model.safetensors --corruption fog',
    )
    .action(async (_: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      await trainModel(options, signal, self);
    });
}

async function trainModel(options: Options, signal: AbortSignal, self: Command): Promise<void> {
  const { out, corruption, severity, seed } = options;
  const output = createOutput(options);
  const modelPath = join(out, 'model.safetensors');
  await requireAbsent(modelPath, options.force);
  const { corrupted, inMemory, trainClassifier } = await wasmRecipes();
  const { fromTensors } = await import('@proj/tensor-io/tfjs');
  const start = options.start === undefined ? undefined : await readModel(options.start);
  const clean = await openData(options.data, {
    split: options.split,
    size: sizeFor(start?.config ?? vitConfig(options.model)),
  });
  const classes = clean.classNames.length;
  const config = start?.config ?? { ...vitConfig(options.model), classes };
  const images = corruption === undefined ? clean : corrupted(clean, { name: corruption, severity, seed });
  const dataset = await inMemory(images);
  const { checkpointFile } = await import('@proj/trainer/node');
  const store = checkpointFile(join(out, 'checkpoint.safetensors'));
  const resume = options.force === true ? undefined : await store.load();
  await mkdir(out, { recursive: true });
  const startSha256 = start === undefined ? null : await stateSha256(start.state);
  const events = trainClassifier({
    config,
    recipe: recipeOf(options),
    dataset,
    ...(start && { start: start.state }),
    provenance: { corruptionSeed: corruption === undefined ? null : seed, start: startSha256 },
    checkpoints: { store, everySteps: options.checkpointEvery },
    ...(resume && { resume }),
    signal,
  });
  let bar: Progress | undefined;
  try {
    for await (const event of events) {
      if (event.kind === 'start') {
        if (event.resumed) output.note(`going on from step ${event.step} of ${event.totalSteps}`);
        bar = output.progress('training', event.totalSteps);
      } else if (event.kind === 'step') {
        bar?.update(
          event.step,
          `epoch ${event.epoch + 1}  loss ${event.loss.toFixed(3)}  ${event.imagesPerSecond.toFixed(0)} img/s`,
        );
      } else if (event.kind === 'stopped') {
        bar?.end();
        throw new CliError(
          'CLI_INTERRUPTED',
          exitCode.interrupted,
          `stopped at step ${event.step} of ${event.totalSteps}, checkpoint written; go on with:\n  proj ${self.name()} ${process.argv.slice(3).join(' ')}`,
        );
      } else if (event.kind === 'done') {
        const state = await fromTensors(event.parameters);
        await writeSafetensors(
          modelPath,
          state,
          new Map([['proj', vitMetadata(config, dataset.classNames)]]),
        );
        bar?.end();
        const bytes = (await stat(modelPath)).size;
        output.result(
          'proj.train/1',
          {
            model: modelPath,
            architecture: config.name,
            dataset: dataset.name,
            steps: event.step,
            sha256: event.sha256,
            bytes,
          },
          () =>
            `${modelPath}: ${config.name}, ${event.step} steps on ${dataset.name}\nSHA-256 of the parameters ${event.sha256}`,
        );
      }
    }
  } finally {
    bar?.end();
  }
}

const sizeFor = ({ imageSize, preprocessing }: VitConfig) => ({
  size: imageSize,
  cropPct: preprocessing.cropPct,
});

function recipeOf(options: Options): ClassifierRecipe {
  const { seed, epochs, batchSize, learningRate, minLearningRate, warmupEpochs, weightDecay, cropPadding } =
    options;
  const flip = options.flip === true;
  return {
    seed,
    epochs,
    batchSize,
    learningRate,
    minLearningRate,
    warmupEpochs,
    weightDecay,
    ...((cropPadding > 0 || flip) && { augmentation: { cropPadding, flip } }),
  };
}
