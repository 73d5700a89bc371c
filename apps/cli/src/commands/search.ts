import type { CorruptionName } from '@proj/corruptions';
import {
  type Signature,
  type StrengthSearch,
  searchStrength,
  signatureFromBytes,
  signatureToBytes,
  truncate,
  withAbout,
} from '@proj/rws';
import { writeFileAtomic } from '@proj/tensor-io/node';
import { Command } from 'commander';
import { wasmRecipes } from '../backend.ts';
import { commandLine } from '../command-line.ts';
import { openData } from '../dataset.ts';
import { CliError, exitCode, usageError } from '../exit.ts';
import { readInput, requireWritable, writing } from '../files.ts';
import { table } from '../format.ts';
import { interruption } from '../interruption.ts';
import { labelsTell } from '../labels.ts';
import { readFloatModel } from '../model-file.ts';
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
  readonly alphas?: readonly number[];
  readonly refine: number;
  readonly tolerance: number;
  readonly k?: number;
  readonly allowTransfer?: boolean;
  readonly out?: string;
  readonly force?: boolean;
}

/** Accuracies of one patched model, from 0 to 1. */
interface Accuracies {
  readonly clean: number;
  readonly corrupted: number;
}

export function searchCommand(): Command {
  const command = new Command('search')
    .description(
      'choose how many units of a signature to apply, and how strongly, by the mean accuracy on clean and on corrupted images',
    )
    .argument('<model>', 'the model to patch')
    .argument('<signature>', 'a signature file')
    .addOption(modelOption('architecture of a file without our metadata (default: by its shapes)'))
    .addOption(corruptionOption())
    .addOption(severityOption())
    .addOption(seedOption())
    .option('--alphas <list>', 'strengths to try, with commas between (default: 0,0.25,...,2)', numbers)
    .option('--refine <n>', 'how often to look closer around the best strength', integerOption(0, 20), 2)
    .option('--tolerance <points>', 'fewer units may cost so much accuracy', numberOption(0), 0.5)
    .option('--k <n>', 'so many units; nothing is chosen', integerOption(1))
    .option('--batch-size <n>', 'images at a time', integerOption(1), 16)
    .option('--resize', 'scale images of another size to that of the model')
    .option('--limit <n>', 'only the first n images', integerOption(1))
    .option('--allow-transfer', 'the model is of the same architecture and was trained otherwise')
    .option('--out <file>', 'the signature of the chosen units, which recommends the chosen strength')
    .option('--force', 'replace an existing file')
    .addOption(flavourOption());
  withData(command, 'train');
  return command
    .addHelpText(
      'after',
      "\nWithout --corruption it is the signature's own. Choose on other images than those that measure the result.\n\nExample:\n  proj search clean.safetensors fog.rws.safetensors --data cifar10 --limit 1000 --out fog-tuned.rws.safetensors",
    )
    .action(async (file: string, signatureFile: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const output = createOutput(options);
      const signal = interruption();
      if (options.out !== undefined) await requireWritable(options.out, options.force);
      const model = await readFloatModel(file, options.model);
      const signature = await signatureFromBytes(await readInput(signatureFile));
      const setting = corruptionOf(options, self, signature);
      const { config, classNames } = model;
      const size = { size: config.imageSize, cropPct: config.preprocessing.cropPct };
      const { data, split, limit, resize } = options;
      const clean = await openData(data, { split, size, limit, resize });
      if (!labelsTell(model, clean)) {
        throw new CliError(
          'CLI_CLASSES',
          exitCode.data,
          `${clean.name} has ${clean.classNames.length} classes and ${config.name} knows ${config.classes}; use a data set with all of them.`,
        );
      }
      const recipes = await wasmRecipes(options.flavour, output);
      const corrupted = recipes.corrupted(clean, { ...setting, seed: options.seed });
      const seen: Accuracies[] = [];
      const found = await searchStrength(model.state, signature, {
        ...(options.k !== undefined && { ks: [options.k] }),
        ...(options.alphas !== undefined && { alphas: options.alphas }),
        refinements: options.refine,
        tolerance: options.tolerance / 100,
        allowTransfer: options.allowTransfer === true,
        async evaluate(state, tried) {
          const bar = output.progress(`${tried.k} units, strength ${tried.alpha}`, 2 * clean.length);
          const top1 = async (dataset: typeof clean, before: number) =>
            (
              await recipes.evaluateFloat({
                ...{ dataset, batchSize: options.batchSize, signal, classNames },
                model: { config, state },
                progress: ({ count }) => bar.update(before + count, ''),
              })
            ).top1;
          try {
            const accuracies = {
              clean: await top1(clean, 0),
              corrupted: await top1(corrupted, clean.length),
            };
            seen.push(accuracies);
            return (accuracies.clean + accuracies.corrupted) / 2;
          } finally {
            bar.end();
          }
        },
      });
      const curve = found.curve.map(({ k, alpha }, i) => ({ k, alpha, ...seen[i]! }));
      const images = `${clean.name}, ${split}, ${setting.name} severity ${setting.severity}`;
      if (options.out !== undefined) {
        const tuned = await recommending(signature, found, images, curve);
        await writing(writeFileAtomic(options.out, signatureToBytes(tuned)));
      }
      const { k, alpha, score } = found;
      const result = { signature: signature.id, images, k, alpha, score, curve, file: options.out ?? null };
      output.result('proj.search/1', result, () =>
        [
          table(
            ['units', 'strength', 'clean', setting.name],
            curve.map((row) => [row.k, row.alpha, percent(row.clean), percent(row.corrupted)]),
          ),
          `best: the first ${k} of ${signature.units} units at strength ${alpha}, mean accuracy ${percent(score)}`,
          options.out === undefined
            ? 'pass --out to keep the signature with that'
            : `apply it: ${commandLine(['patch', file, options.out, '--out', 'patched.safetensors'])}`,
        ].join('\n'),
      );
    });
}

/** The chosen units' signature, with what was chosen and measured in its description. */
async function recommending(
  signature: Signature,
  { k, alpha }: StrengthSearch,
  images: string,
  curve: readonly (Accuracies & { readonly k: number; readonly alpha: number })[],
): Promise<Signature> {
  const at = (strength: number) =>
    curve.find((row) => row.alpha === strength && (row.k === k || strength === 0))?.corrupted;
  const measured = [
    { model: 'standard', images, accuracy: at(0) },
    { model: 'patched', images, accuracy: at(alpha) },
  ].filter((row): row is typeof row & { accuracy: number } => row.accuracy !== undefined);
  return withAbout(await truncate(signature, k), { ...signature.about, recommendedAlpha: alpha, measured });
}

function corruptionOf(
  { corruption, severity }: Options,
  self: Command,
  { about }: Signature,
): { name: CorruptionName; severity: number } {
  const given = self.getOptionValueSource('severity') === 'cli';
  const name = corruption ?? (about.corruption as CorruptionName | undefined);
  if (name === undefined) {
    throw usageError('--corruption is missing: the signature does not say which one it is for.');
  }
  return { name, severity: given || corruption !== undefined ? severity : (about.severity ?? severity) };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

function numbers(text: string): number[] {
  return text.split(',').map(numberOption());
}
