import type { Preprocessing } from './config-problems.ts';
import { VitError } from './error.ts';

/** The fields of an object that came as JSON, each read as what it must be, else `VIT_METADATA_INVALID`. */
export type Fields = Readonly<Record<string, unknown>>;

/** Reads the metadata `proj` of a model of one of these architectures. */
export function parse(json: string, ...architectures: readonly string[]): Fields {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw invalid(`it is no JSON (${String(cause)})`);
  }
  const metadata = object(value, 'the whole');
  const { architecture } = metadata;
  if (!architectures.some((expected) => expected === architecture)) {
    throw invalid(
      `architecture is ${JSON.stringify(architecture)}, expected ${architectures.map((name) => `"${name}"`).join(' or ')}`,
    );
  }
  return metadata;
}

export function object(value: unknown, field: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${field} must be an object, got ${JSON.stringify(value)}`);
  }
  return value as Fields;
}

export function number(value: unknown, field: string): number {
  if (typeof value !== 'number') throw invalid(`${field} must be a number, got ${JSON.stringify(value)}`);
  return value;
}

export function string(value: unknown, field: string): string {
  if (typeof value !== 'string') throw invalid(`${field} must be a string, got ${JSON.stringify(value)}`);
  return value;
}

export function list<T>(value: unknown, field: string, item: (value: unknown, field: string) => T): T[] {
  if (!Array.isArray(value)) throw invalid(`${field} must be a list, got ${JSON.stringify(value)}`);
  return value.map((entry, i) => item(entry, `${field}[${i}]`));
}

export function preprocessing(value: unknown): Preprocessing {
  const fields = object(value, 'config.preprocessing');
  return {
    mean: list(fields['mean'], 'config.preprocessing.mean', number),
    std: list(fields['std'], 'config.preprocessing.std', number),
    interpolation: interpolation(fields['interpolation']),
    cropPct: number(fields['cropPct'], 'config.preprocessing.cropPct'),
  };
}

function interpolation(value: unknown): Preprocessing['interpolation'] {
  if (value === 'bicubic' || value === 'bilinear') return value;
  throw invalid(
    `config.preprocessing.interpolation must be "bicubic" or "bilinear", got ${JSON.stringify(value)}`,
  );
}

export function invalid(problem: string): VitError {
  return new VitError(
    'VIT_METADATA_INVALID',
    `the metadata "proj" describes no vision transformer: ${problem}. Write it with vitMetadata() or swinMetadata().`,
  );
}
