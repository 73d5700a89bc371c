import { TensorIoError, type TensorIoErrorCode } from './errors.ts';

/** The three fields of an npy header. */
export interface NpyHeader {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

const TOKEN = /\s*('[^'\\]*'|"[^"\\]*"|True\b|False\b|\d+L?|[{}():,[\]]|$)/y;

/**
 * Reads the header, a Python dict literal such as `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
 * It is scanned, never evaluated; only these three keys and their types are known.
 *
 * @throws {TensorIoError} `TIO_BAD_NPY`, `TIO_DUPLICATE_NAME`, `TIO_OBJECT_ARRAY` for structured dtypes, `TIO_OVERFLOW`.
 */
export function parseNpyHeader(text: string, where: string): NpyHeader {
  return new NpyHeaderScanner(text, where).header();
}

class NpyHeaderScanner {
  private readonly text: string;
  private readonly where: string;
  private at = 0;

  constructor(text: string, where: string) {
    this.text = text;
    this.where = where;
  }

  header(): NpyHeader {
    const fields = new Map<string, string | boolean | readonly number[]>();
    this.expect('{');
    for (let key = this.next(); key !== '}'; key = this.next()) {
      const name = this.string(key);
      if (fields.has(name))
        throw this.error('TIO_DUPLICATE_NAME', `the key ${JSON.stringify(name)} occurs twice`);
      this.expect(':');
      fields.set(name, this.value());
      if (this.peek() !== '}') this.expect(',');
    }
    this.expect('');
    const [descr, fortranOrder, shape] = ['descr', 'fortran_order', 'shape'].map((name) => fields.get(name));
    if (
      fields.size !== 3 ||
      typeof descr !== 'string' ||
      typeof fortranOrder !== 'boolean' ||
      !isSizes(shape)
    ) {
      throw this.error(
        'TIO_BAD_NPY',
        'the header must hold descr, fortran_order and shape, and nothing else',
      );
    }
    return { descr, fortranOrder, shape };
  }

  private error(code: TensorIoErrorCode, reason: string): TensorIoError {
    return new TensorIoError(code, `${this.where}: ${reason}.`);
  }

  /** The next token, consumed; the empty string at the end. */
  private next(): string {
    TOKEN.lastIndex = this.at;
    const match = TOKEN.exec(this.text);
    if (match === null) throw this.error('TIO_BAD_NPY', `the header cannot be read at character ${this.at}`);
    this.at = TOKEN.lastIndex;
    return match[1]!;
  }

  private peek(): string {
    const { at } = this;
    const token = this.next();
    this.at = at;
    return token;
  }

  private expect(wanted: string): void {
    const token = this.next();
    if (token !== wanted) {
      throw this.error(
        'TIO_BAD_NPY',
        `the header has ${JSON.stringify(token)} where ${JSON.stringify(wanted)} belongs`,
      );
    }
  }

  private string(token: string): string {
    if (!/^['"]/.test(token)) {
      throw this.error('TIO_BAD_NPY', `the header has ${JSON.stringify(token)} where a string belongs`);
    }
    return token.slice(1, -1);
  }

  private value(): string | boolean | readonly number[] {
    const token = this.next();
    if (token === 'True' || token === 'False') return token === 'True';
    if (token === '(') return this.sizes();
    if (token === '[')
      throw this.error('TIO_OBJECT_ARRAY', 'structured dtypes are not read; save each field as an array');
    return this.string(token);
  }

  private sizes(): readonly number[] {
    const sizes: number[] = [];
    for (let token = this.next(); token !== ')'; token = this.next()) {
      // Python 2 wrote an L after long integers.
      if (!/^\d/.test(token)) throw this.error('TIO_BAD_NPY', `the shape holds ${JSON.stringify(token)}`);
      const size = Number(token.replace('L', ''));
      if (!Number.isSafeInteger(size))
        throw this.error('TIO_OVERFLOW', `the shape holds ${token}, more than 2^53 - 1`);
      sizes.push(size);
      if (this.peek() !== ')') this.expect(',');
    }
    return sizes;
  }
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value);
}
