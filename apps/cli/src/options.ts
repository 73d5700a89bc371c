import { type CorruptionName, corruptionNames } from '@proj/corruptions';
import { vitConfigs } from '@proj/vit/forward';
import type { FlavourChoice } from '@proj/wasm-kernels/install';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { dataHelp } from './dataset.ts';

export interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Of commands that look at images through a model, clean or corrupted. */
export interface LookOptions extends GlobalOptions {
  readonly model?: string;
  readonly data: string;
  readonly split: 'train' | 'test';
  readonly corruption?: CorruptionName;
  readonly severity: number;
  readonly seed: number;
  readonly batchSize: number;
  readonly limit?: number;
  readonly resize?: boolean;
  readonly flavour: FlavourChoice;
}

export const numberOption =
  (least = Number.NEGATIVE_INFINITY) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('it must be a number.');
    if (value < least) throw new InvalidArgumentError(`it must be at least ${least}.`);
    return value;
  };

export const positiveOption = (text: string): number => {
  const value = numberOption()(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('it must be above 0.');
};

export const integerOption =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = numberOption()(text);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`it must be an integer from ${least} to ${most}.`);
    }
    return value;
  };

export const modelOption = (help: string): Option =>
  new Option('--model <name>', help).choices(Object.keys(vitConfigs));
export const corruptionOption = (): Option =>
  new Option('--corruption <name>', 'corrupt the images').choices(
    corruptionNames as readonly CorruptionName[],
  );
export const severityOption = (): Option =>
  new Option('--severity <n>', 'severity of the corruption').argParser(integerOption(1, 5)).default(5);
export const flavourOption = (): Option =>
  new Option('--flavour <name>', 'how matrix products compute: the same bits on every machine, or faster')
    .choices(['auto', 'reproducible', 'relaxed', 'wide'] satisfies readonly FlavourChoice[])
    .default('auto');
export const seedOption = (): Option =>
  new Option('--seed <n>', 'seed of every random draw')
    .argParser(integerOption(Number.MIN_SAFE_INTEGER))
    .default(0);

/** --data and --split, with what they take in the help. */
export function withData(command: Command, split: 'train' | 'test'): Command {
  return command
    .requiredOption('--data <what>', 'the images; see below')
    .addOption(
      new Option('--split <part>', 'which part of the data set').choices(['train', 'test']).default(split),
    )
    .addHelpText('after', `\n${dataHelp}`);
}
