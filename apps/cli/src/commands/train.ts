import { Command } from 'commander';
import {
  corruptionOption,
  flavourOption,
  integerOption,
  modelOption,
  numberOption,
  positiveOption,
  seedOption,
  severityOption,
  withData,
} from '../options.ts';
import { createOutput } from '../output.ts';
import { type TrainOptions, trainModel } from '../training.ts';

/** @param args the whole command line, to be shown again where the training can go on. */
export function trainCommand(args: readonly string[]): Command {
  const command = new Command('train')
    .description(
      'train a vision transformer, clean or on one corruption; Ctrl-C checkpoints, the same command goes on',
    )
    .requiredOption('--out <folder>', 'model.safetensors and checkpoint.safetensors go here')
    .addOption(modelOption('architecture (default: that of --start, else vit_cifar_32)'))
    .option('--start <model>', 'begin with these weights, e.g. a common start of clean and robust models')
    .addOption(corruptionOption())
    .addOption(severityOption())
    .addOption(seedOption())
    .option('--epochs <n>', 'passes over the data, also in fractions', positiveOption, 10)
    .option('--batch-size <n>', 'images a step', integerOption(1), 64)
    .option('--learning-rate <x>', 'at the top of the cosine', numberOption(0), 1e-3)
    .option('--min-learning-rate <x>', 'at its end', numberOption(0), 1e-5)
    .option('--warmup-epochs <x>', 'linear warm-up', numberOption(0), 1)
    .option('--weight-decay <x>', 'decoupled, timm groups', numberOption(0), 0.05)
    .option('--crop-padding <n>', 'pad by n pixels and cut a random window', integerOption(0), 0)
    .option('--flip', 'mirror every second image by chance')
    .addOption(flavourOption())
    .option('--workers <n>', 'threads that share each step, one for each core at most', integerOption(1), 1)
    .option('--checkpoint-every <steps>', 'steps between checkpoints', integerOption(1), 100)
    .option('--force', 'delete the model and the checkpoint that lie there, and start again');
  withData(command, 'train');
  return command
    .addHelpText(
      'after',
      '\nExamples:\n  proj train --data demo-results/digits --split test --model vit_digits_28 --out runs/digits\n  proj train --data cifar10 --out runs/start --epochs 20 --crop-padding 4 --flip\n  proj train --data cifar10 --out runs/fog --start runs/start/model.safetensors --corruption fog',
    )
    .action(async (_: unknown, self: Command) => {
      const options = self.optsWithGlobals<TrainOptions>();
      await trainModel(options, args, createOutput(options));
    });
}
