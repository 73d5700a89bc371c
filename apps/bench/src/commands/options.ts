import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';
import type { PresetName } from '../experiment.ts';
import { presetNames } from '../runner/open.ts';
import type { Overrides } from '../runner/settings.ts';

/** What says which jobs, and where their results are. */
export interface PlanOptions {
  readonly preset: PresetName;
  readonly set: Overrides;
  readonly store: string;
}

export const defaultStore = process.env['PROJ_BENCH_STORE'] ?? 'bench-results';

export const storeOption = (): Option =>
  new Option('--store <folder>', 'where results are kept; PROJ_BENCH_STORE sets it, too').default(
    defaultStore,
  );

export const presetOption = (): Option =>
  new Option('--preset <name>', 'how much: minutes, hours, or the whole grid of the paper')
    .choices(presetNames)
    .default('smoke');

/** Can be given more than once. */
export const setOption = (): Option =>
  new Option('--set <name=value>', 'change a setting of the preset; commas separate the values of a list')
    .argParser((text: string, before: Overrides): Overrides => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (name === undefined || value === undefined)
        throw new InvalidArgumentError('it must be of the form name=value.');
      return { ...before, [name.trim()]: value.trim() };
    })
    .default({}, 'as the preset has them');

export const jsonOption = (): Option =>
  new Option('--json', 'print the result as one JSON document on stdout');

export const queueOption = (): Option =>
  new Option('--queue <url>', 'let the workers of this Redis queue do the work, e.g. redis://host:6379');

export const jobsOption = (): Option =>
  new Option('--jobs <n>', 'processor cores that jobs may take together')
    .argParser(integerOption(1))
    .default(availableParallelism());

export const numberOption =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < least)
      throw new InvalidArgumentError(`it must be a number, at least ${least}.`);
    return value;
  };

export const integerOption =
  (least: number) =>
  (text: string): number => {
    const value = numberOption(least)(text);
    if (!Number.isInteger(value)) throw new InvalidArgumentError('it must be a whole number.');
    return value;
  };
