import type { ExtractOptions, Quantizer, Structure } from '@proj/rws';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { usageError } from './exit.ts';
import { integerOption, numberOption } from './options.ts';

export interface StorageOptions {
  readonly bits?: number;
  readonly quantizer?: Quantizer['scheme'];
  readonly levels?: number;
  readonly density?: number;
  readonly rank?: number;
  readonly energy?: number;
}

/** How a signature's values are stored: --bits, --quantizer, --levels, --density, --rank, --energy. */
export function withStorage(command: Command): Command {
  return command
    .option('--bits <n>', '2 to 8 bits a value, or 32 for no quantization (default: 4)', bitsOption)
    .addOption(
      new Option('--quantizer <scheme>', 'how values become codes (default: linear); sign takes 1 bit')
        .choices(['linear', 'log', 'tanh', 'sign', 'none'] satisfies Quantizer['scheme'][])
        .conflicts('bits'),
    )
    .addOption(
      new Option('--levels <n>', 'levels of linear, log or tanh, in place of --bits (default: 16)')
        .argParser(integerOption(2, 256))
        .conflicts('bits'),
    )
    .addOption(
      new Option('--density <x>', 'keep only this share of the values, the largest')
        .argParser(shareOption)
        .conflicts(['rank', 'energy']),
    )
    .addOption(
      new Option('--rank <n>', 'keep matrices of at most this rank')
        .argParser(integerOption(1))
        .conflicts('energy'),
    )
    .addOption(
      new Option('--energy <x>', 'keep matrices of the rank that holds this share of the squares').argParser(
        shareOption,
      ),
    );
}

export function storageOf(options: StorageOptions): Pick<ExtractOptions, 'quantizer' | 'structure'> {
  return { quantizer: quantizerOf(options), structure: structureOf(options) };
}

function quantizerOf({ bits, quantizer: scheme = 'linear', levels }: StorageOptions): Quantizer {
  if (bits === 32) return { scheme: 'none' };
  if (bits !== undefined) return { scheme: 'linear', levels: 2 ** bits };
  if (scheme !== 'sign' && scheme !== 'none') return { scheme, levels: levels ?? 16 };
  if (levels !== undefined) throw usageError(`--quantizer ${scheme} has no --levels.`);
  return { scheme };
}

function structureOf({ density, rank, energy }: StorageOptions): Structure {
  if (density !== undefined) return { kind: 'sparse', density };
  if (rank !== undefined) return { kind: 'low-rank', rank };
  return energy === undefined ? { kind: 'dense' } : { kind: 'low-rank', energy };
}

function bitsOption(text: string): number {
  const bits = numberOption()(text);
  if (bits === 32 || (Number.isInteger(bits) && bits >= 2 && bits <= 8)) return bits;
  throw new InvalidArgumentError('it must be an integer from 2 to 8, or 32.');
}

function shareOption(text: string): number {
  const share = numberOption()(text);
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError('it must be above 0 and at most 1.');
}
