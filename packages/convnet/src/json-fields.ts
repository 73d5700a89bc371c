import { ConvnetError } from './error.ts';

/** The fields of an object that came as JSON, each read as what it must be, else `CONVNET_METADATA_INVALID`. */
export type Fields = Readonly<Record<string, unknown>>;

export function parse(json: string): Fields {
  try {
    return object(JSON.parse(json), 'the whole');
  } catch (cause) {
    if (cause instanceof ConvnetError) throw cause;
    throw invalid(`it is no JSON (${String(cause)})`);
  }
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

export function boolean(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean')
    throw invalid(`${field} must be true or false, got ${JSON.stringify(value)}`);
  return value;
}

export function choice<T extends string>(value: unknown, field: string, ...choices: readonly T[]): T {
  const chosen = choices.find((option) => option === value);
  if (chosen !== undefined) return chosen;
  throw invalid(
    `${field} must be ${choices.map((option) => `"${option}"`).join(' or ')}, got ${JSON.stringify(value)}`,
  );
}

export function list<T>(value: unknown, field: string, item: (value: unknown, field: string) => T): T[] {
  if (!Array.isArray(value)) throw invalid(`${field} must be a list, got ${JSON.stringify(value)}`);
  return value.map((entry, i) => item(entry, `${field}[${i}]`));
}

export function invalid(problem: string): ConvnetError {
  return new ConvnetError(
    'CONVNET_METADATA_INVALID',
    `the metadata "proj" describes no convolutional network: ${problem}. Write it with convnetMetadata().`,
  );
}
