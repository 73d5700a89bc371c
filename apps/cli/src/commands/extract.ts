import type { CorruptionName } from '@proj/corruptions';
import { asksForRecalibration, type BatchNormPolicy, extract, inspect, signatureToBytes } from '@proj/rws';
import { readStateDict, writeFileAtomic } from '@proj/tensor-io/node';
import { Command, Option } from 'commander';
import { commandLine } from '../command-line.ts';
import { usageError } from '../exit.ts';
import { requireWritable, writing } from '../files.ts';
import { bytes, table } from '../format.ts';
import { readUnitModel, unitModels } from '../model-units.ts';
import {
  corruptionOption,
  type GlobalOptions,
  integerOption,
  numberOption,
  severityOption,
} from '../options.ts';
import { createOutput } from '../output.ts';
import { type StorageOptions, storageOf, withStorage } from '../signature-storage.ts';

interface Options extends GlobalOptions, StorageOptions {
  readonly standard: string;
  readonly robust: string;
  readonly start?: string;
  readonly model?: string;
  readonly units: number | 'all';
  readonly batchNorm: BatchNormPolicy;
  readonly projection?: 'orthogonal' | 'none';
  readonly corruption?: CorruptionName;
  readonly severity: number;
  readonly dataset?: string;
  readonly alpha?: number;
  readonly name?: string;
  readonly out: string;
  readonly force?: boolean;
}

const batchNormPolicies: readonly BatchNormPolicy[] = [
  'keep',
  'delta',
  'replace',
  'recalibrate',
  'replace+recalibrate',
];

export function extractCommand(): Command {
  const command = new Command('extract')
    .description('what training on a corruption did to the first layers, as a small signature file')
    .requiredOption('--standard <model>', 'fine-tuned on clean images')
    .requiredOption('--robust <model>', 'fine-tuned on corrupted images')
    .option('--start <model>', 'the common start of both; without it there is no projection')
    .addOption(
      new Option(
        '--model <name>',
        'architecture of files without our metadata (default: by their shapes)',
      ).choices(unitModels),
    )
    .option(
      '--units <k>',
      'how many units from the input on (patch embedding or stem, then blocks; convolutions of a VGG), or all',
      (text) => (text === 'all' ? text : integerOption(1)(text)),
      2,
    )
    .addOption(
      new Option('--projection <mode>', 'default: orthogonal with --start, none without').choices([
        'orthogonal',
        'none',
      ]),
    )
    .addOption(
      new Option('--batch-norm <policy>', 'what becomes of batch normalisation')
        .choices(batchNormPolicies)
        .default('delta'),
    )
    .addOption(corruptionOption())
    .addOption(severityOption())
    .option('--dataset <name>', 'stored in the file')
    .option('--alpha <x>', 'recommended strength, stored in the file', numberOption())
    .option('--name <text>', 'stored in the file (default: corruption and severity)')
    .requiredOption('--out <file>', 'e.g. fog.rws.safetensors')
    .option('--force', 'replace an existing file')
    .addHelpText(
      'after',
      '\nExample:\n  proj extract --start start.safetensors --standard clean.safetensors --robust fog.safetensors --units 2 --corruption fog --out fog.rws.safetensors',
    );
  return withStorage(command).action(async (_: unknown, self: Command) => {
    const options = self.optsWithGlobals<Options>();
    const output = createOutput(options);
    await requireWritable(options.out, options.force);
    if (options.projection === 'orthogonal' && options.start === undefined) {
      throw usageError('--projection orthogonal needs --start, the common start of both models.');
    }
    const standard = await readUnitModel(options.standard, options.model);
    const { units } = standard;
    const k = options.units === 'all' ? units.length : options.units;
    if (k > units.length) {
      throw usageError(`--units ${k}: ${standard.name} has ${units.length}, ${standard.counted}.`);
    }
    const robust = (await readStateDict(options.robust)).state;
    const init = options.start === undefined ? undefined : (await readStateDict(options.start)).state;
    const { corruption, severity, dataset, alpha } = options;
    const name = options.name ?? (corruption && `${corruption}-s${severity}`);
    const { signature, diagnostics } = await extract({
      standard: standard.state,
      robust,
      ...(init && { init }),
      units,
      k,
      ...storageOf(options),
      batchNorm: options.batchNorm,
      ...(options.projection && { projection: options.projection }),
      about: {
        architecture: standard.name,
        ...(name !== undefined && { name }),
        ...(corruption && { corruption, severity }),
        ...(dataset !== undefined && { dataset }),
        ...(alpha !== undefined && { recommendedAlpha: alpha }),
      },
    });
    await writing(writeFileAtomic(options.out, signatureToBytes(signature)));
    const summary = inspect(signature);
    output.result('proj.extract/1', { file: options.out, ...summary, diagnostics }, () =>
      [
        table(
          ['tensor', 'unit', '‖RWS‖', 'relative difference', 'share', 'lost by storage'],
          diagnostics.map((row) => [
            row.name,
            row.unit === null ? 'replaced' : row.unit + 1,
            row.norm.toFixed(4),
            row.relativeDifference?.toFixed(4) ?? '–',
            `${(100 * row.share).toFixed(1)} %`,
            `${(100 * row.storageError).toFixed(1)} %`,
          ]),
        ),
        `${options.out}: ${bytes(summary.fileBytes)}, ${summary.compression.toFixed(1)}x smaller than the model`,
        summary.configuration,
        ...(asksForRecalibration(options.batchNorm)
          ? ['after patching, estimate the means and variances of batch norm anew on corrupted images']
          : []),
        `next: ${commandLine(['patch', options.standard, options.out, '--out', 'patched.safetensors'])}`,
      ].join('\n'),
    );
  });
}
