import { RwsError } from './error.ts';

/** Reads one JSON value as a `T`, or throws `RWS_METADATA_INVALID` with the place. */
export type Decoder<T> = (value: unknown, where: string) => T;

type Decoders = Readonly<Record<string, Decoder<unknown>>>;
type Decoded<S extends Decoders> = { readonly [K in keyof S]: ReturnType<S[K]> };

/**
 * JSON text as RFC 8785 prescribes it (keys sorted, no blanks, ECMAScript numbers), so that equal content is equal
 * text and can be hashed. Keys whose value is undefined are left out.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * Decodes canonical JSON. Text of any other form is refused: duplicate keys, blanks or other spellings of a number
 * would be lost on saving, and with them the id.
 */
export function decodeJson<T>(text: string, where: string, decoder: Decoder<T>): T {
  let value: unknown;
  let canonical: string;
  try {
    value = JSON.parse(text);
    canonical = canonicalJson(value);
  } catch (error) {
    throw invalid(where, `no readable JSON (${(error as Error).message})`);
  }
  const decoded = decoder(value, where);
  if (canonical !== text) throw invalid(where, 'not in canonical form (RFC 8785)');
  return decoded;
}

export function invalid(where: string, what: string): RwsError {
  return new RwsError(
    'RWS_METADATA_INVALID',
    `${where}: ${what}; the file was damaged or not written to FORMAT.md.`,
  );
}

/** Refuses a document of another version, whose fields may differ, before `decoder` looks at them. */
export function versioned<T>(format: string, decoder: Decoder<T>): Decoder<T> {
  return (value, where) => {
    const found = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
    if (typeof found === 'string' && found !== format) {
      throw new RwsError(
        'RWS_FORMAT_UNSUPPORTED',
        `${where}: the format is ${brief(found)}, this version reads "${format}"; update the package or make the file anew.`,
      );
    }
    return decoder(value, where);
  };
}

/** An object whose field `key` says which of `decoders` reads it. */
export function chosenBy<D extends Decoders>(key: string, decoders: D): Decoder<ReturnType<D[keyof D]>> {
  const known = new Map<string, Decoder<unknown>>(Object.entries(decoders));
  return (value, where) => {
    if (typeof value !== 'object' || value === null) {
      throw invalid(where, `expected an object, got ${brief(value)}`);
    }
    const kind: unknown = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
    const decoder = typeof kind === 'string' ? known.get(kind) : undefined;
    if (decoder === undefined) {
      throw invalid(`${where}.${key}`, `expected ${[...known.keys()].join(' or ')}, got ${brief(kind)}`);
    }
    return decoder(value, where) as ReturnType<D[keyof D]>;
  };
}

/** An object with exactly these keys; `optional` ones may be absent. Foreign keys, `__proto__` included, are refused. */
export function record<R extends Decoders, O extends Decoders = Record<never, never>>(
  required: R,
  optional?: O,
): Decoder<Decoded<R> & Partial<Decoded<O>>> {
  const decoders = new Map<string, Decoder<unknown>>(Object.entries({ ...required, ...optional }));
  return (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalid(where, `expected an object, got ${brief(value)}`);
    }
    const entries = new Map<string, unknown>(Object.entries(value));
    for (const key of entries.keys()) {
      if (!decoders.has(key)) throw invalid(where, `unknown field ${brief(key)}`);
    }
    for (const key of Object.keys(required)) {
      if (!entries.has(key)) throw invalid(where, `field "${key}" is missing`);
    }
    const decoded = [...entries].map(([key, inner]) => [key, decoders.get(key)!(inner, `${where}.${key}`)]);
    return Object.fromEntries(decoded) as Decoded<R> & Partial<Decoded<O>>;
  };
}

export function list<T>(item: Decoder<T>): Decoder<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw invalid(where, `expected an array, got ${brief(value)}`);
    return value.map((inner, i) => item(inner, `${where}[${i}]`));
  };
}

export function nullable<T>(decoder: Decoder<T>): Decoder<T | null> {
  return (value, where) => (value === null ? null : decoder(value, where));
}

export function oneOf<const T extends string>(...allowed: readonly T[]): Decoder<T> {
  return (value, where) => {
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) throw invalid(where, `expected ${allowed.join(' or ')}, got ${brief(value)}`);
    return found;
  };
}

export const text: Decoder<string> = (value, where) => {
  if (typeof value !== 'string') throw invalid(where, `expected text, got ${brief(value)}`);
  return value;
};

/** 64 lower-case hexadecimal digits. */
export const hash: Decoder<string> = (value, where) => {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) {
    throw invalid(where, `expected a SHA-256 in hexadecimal, got ${brief(value)}`);
  }
  return value;
};

export function number(low: number, high: number): Decoder<number> {
  return (value, where) => {
    if (typeof value !== 'number' || !(value >= low && value <= high)) {
      throw invalid(where, `expected a number from ${low} to ${high}, got ${brief(value)}`);
    }
    return value;
  };
}

export function integer(low: number, high: number): Decoder<number> {
  const inRange = number(low, high);
  return (value, where) => {
    if (!Number.isSafeInteger(value)) throw invalid(where, `expected an integer, got ${brief(value)}`);
    return inRange(value, where);
  };
}

function brief(value: unknown): string {
  const shown = JSON.stringify(value) ?? String(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
