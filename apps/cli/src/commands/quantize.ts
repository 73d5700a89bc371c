import { Command, InvalidArgumentError, Option } from 'commander';
import { flavourOption, integerOption, numberOption, positiveOption, withData } from '../options.ts';
import { createOutput } from '../output.ts';
import type { QuantizeOptions } from '../quantization-job.ts';
import { quantizeModel } from '../quantizing.ts';

/** @param args the whole command line, to be shown again where the training can go on. */
export function quantizeCommand(args: readonly string[]): Command {
  const command = new Command('quantize')
    .description(
      'make a model of 2, 3 or 4 bits from a float one by training (OFQ); Ctrl-C checkpoints, the same command goes on',
    )
    .requiredOption(
      '--out <folder>',
      'model.ofq.safetensors, model.safetensors, oscillation.json and checkpoint.safetensors go here',
    )
    .option('--recipe <name>', 'a published training, e.g. deit-tiny-w2a2; all options below change it')
    .option('--start <model>', "float weights (default: those of the recipe's model in PROJ_DATA_DIR)")
    .option(
      '--continue-from <folder>',
      'only anneal, from the checkpoint of a finished training without --cga-epochs; all else is given as it was there',
    )
    .option('--teacher <model>', 'another float model of the same classes to imitate (default: the start)')
    .option('--model <name>', 'architecture of a --start without our metadata (default: by its shapes)')
    .option(
      '--bits <bits>',
      'bits of weights and activations in the blocks, w2a2 to w8a8; both ends keep 8',
      bits,
    )
    .addOption(
      choice(
        '--weights <quantizer>',
        'quantizer of the weights in the blocks (statsq)',
        'statsq',
        'lsq',
        'lsq+',
      ),
    )
    .addOption(
      choice(
        '--attention <kind>',
        'queries and keys reparameterized, or each by itself (qkr)',
        'qkr',
        'plain',
      ),
    )
    .option('--calibrate-only', 'no training: set all steps on one batch and round to the nearest')
    .option('--seed <n>', 'seed of every random draw (0)', integerOption(Number.MIN_SAFE_INTEGER))
    .option('--epochs <n>', 'passes over the data, here and below also in fractions (10)', positiveOption)
    .option('--cooldown-epochs <n>', 'more of them at the least rate (0)', numberOption(0))
    .option('--batch-size <n>', 'images a step (64)', integerOption(1))
    .option('--learning-rate <x>', 'at the top of the cosine (5e-4)', numberOption(0))
    .option('--min-learning-rate <x>', 'at its end (1e-5)', numberOption(0))
    .option('--warmup-epochs <x>', 'linear warm-up (1)', numberOption(0))
    .option('--warmup-learning-rate <x>', 'where it begins (1e-6)', numberOption(0))
    .option('--weight-decay <x>', 'decoupled, timm groups (0.05)', numberOption(0))
    .addOption(
      choice(
        '--labels <whose>',
        "of the data, or the float model's own: images need no labels then (data)",
        'data',
        'teacher',
      ),
    )
    .option(
      '--crop-padding <n>',
      "pad by n pixels and cut a random window, in place of the recipe's augmentation",
      integerOption(0),
    )
    .option('--flip', "mirror every second image by chance, in place of the recipe's augmentation")
    .option('--no-augmentation', 'images as they are')
    .option('--cga-epochs <n>', 'confidence-guided annealing at the end (0)', numberOption(0))
    .option('--boundary-range <x>', 'of levels, within which it trains weights on (0.005)', numberOption(0))
    .option('--cga-query-key', "hold back QKR's confident products, too")
    .addOption(
      choice(
        '--against <baseline>',
        'what else to do against oscillation, where weights have LSQ',
        'dampening',
        'freezing',
      ),
    )
    .option(
      '--dampening-strength <x>',
      'weight of the penalty at the end of the training (1e-3)',
      numberOption(0),
    )
    .option(
      '--freezing-momentum <x>',
      'of the averages that tell which weights oscillate (0.01)',
      positiveOption,
    )
    .option(
      '--freezing-from <x>',
      'how often frozen weights oscillate, at the beginning (0.04)',
      positiveOption,
    )
    .option('--freezing-to <x>', 'the same at the end (0.01)', positiveOption)
    .option('--resize', 'scale images of another size to that of the model')
    .option('--limit <n>', 'only the first n images', integerOption(1))
    .addOption(flavourOption())
    .option('--workers <n>', 'threads that share each step, one for each core at most', integerOption(1), 1)
    .option('--checkpoint-every <steps>', 'steps between checkpoints', integerOption(1), 100)
    .option(
      '--oscillation-every <steps>',
      'steps between records of oscillation.json (an epoch)',
      integerOption(1),
    )
    .option('--force', 'delete the models and the checkpoint that lie there, and start again');
  withData(command, 'train');
  return command
    .addHelpText(
      'after',
      '\nExamples:\n  proj quantize --start demo-results/standard.safetensors --bits w2a2 --data demo-results/digits --split test --out runs/w2a2\n  proj quantize --start demo-results/standard.safetensors --bits w2a2 --data demo-results/digits --split test --cga-epochs 2 --continue-from runs/w2a2 --out runs/annealed\n  proj quantize --start model.safetensors --bits w4a4 --calibrate-only --data images --out runs/rounded\n  proj quantize --recipe deit-tiny-w2a2 --data /imagenet --workers 8 --out runs/deit-tiny-w2a2',
    )
    .action(async (_: unknown, self: Command) => {
      const options = self.optsWithGlobals<QuantizeOptions>();
      await quantizeModel(options, args, createOutput(options));
    });
}

const choice = (flags: string, help: string, ...choices: string[]): Option =>
  new Option(flags, help).choices(choices);

function bits(text: string): string {
  if (/^w[2348]a[2348]$/.test(text)) return text;
  throw new InvalidArgumentError('it must be w{2,3,4,8}a{2,3,4,8}, e.g. w2a2.');
}
