import { BenchError } from '../error.ts';
import type { Settings } from '../experiment.ts';
import { thereAre } from './nearest.ts';

type Setting = Settings[string];

/** Values as they were typed, by name: `--set seeds=0,1`. */
export type Overrides = Readonly<Record<string, string>>;

/**
 * The settings of a preset with some of them replaced. A value has the type of the one that it replaces; lists are separated by commas.
 *
 * @throws {BenchError} BENCH_UNKNOWN for a name that the preset has not, BENCH_SETTING for a value of another type.
 */
export function overridden<S extends Settings>(settings: S, overrides: Overrides): S {
  const names = Object.keys(settings);
  const replaced: Record<string, Setting> = { ...settings };
  for (const [name, text] of Object.entries(overrides)) {
    if (!names.includes(name))
      throw new BenchError('BENCH_UNKNOWN', `there is no setting "${name}"; ${thereAre(name, names)}.`);
    replaced[name] = parsed(name, text, settings[name]!);
  }
  return replaced as S;
}

function parsed(name: string, text: string, like: Setting): Setting {
  if (!Array.isArray(like)) return parsedOne(name, text, like as number | string | boolean);
  if (text === '') return [];
  const types = new Set(like.map((value) => typeof value));
  return text.split(',').map((part) => {
    const item = part.trim();
    // A list that holds both, or nothing, does not say what it wants.
    if (types.size !== 1) return isNumber(item) ? Number(item) : item;
    return parsedOne(name, item, like[0] as number | string) as number | string;
  });
}

function parsedOne(name: string, text: string, like: number | string | boolean) {
  if (typeof like === 'string') return text;
  if (typeof like === 'number') {
    if (isNumber(text)) return Number(text);
  } else if (text === 'true' || text === 'false') return text === 'true';
  const wanted = typeof like === 'number' ? 'a number' : 'true or false';
  throw new BenchError('BENCH_SETTING', `setting ${name}: "${text}" is not ${wanted}.`);
}

const isNumber = (text: string) => text.trim() !== '' && Number.isFinite(Number(text));
