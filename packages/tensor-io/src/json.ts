import { TensorIoError } from './errors.ts';
import { decodeUtf8 } from './utf8.ts';

/** Nesting that no header needs; it keeps the recursion shallow (CWE-674). */
const MAX_DEPTH = 16;

/** Most members of one object; each takes several times its text in memory (CWE-770). */
const MAX_MEMBERS = 1_000_000;

/** No 64-bit integer has more digits, and turning text into a bigint takes quadratic time (CWE-407). */
const MAX_INTEGER_DIGITS = 20;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^(?:0|-?[1-9]\d*)$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const WORDS = ['true', 'false', 'null'];

/**
 * Reads UTF-8 JSON value by value, strictly by RFC 8259: malformed UTF-8, a byte order mark, lone surrogates and duplicate
 * names are refused, where `JSON.parse` would keep the last of several equal names. No tree is built: whoever reads takes
 * the values that it knows, so that a document of others costs no memory.
 *
 * All methods throw `TIO_BAD_JSON`, `TIO_TOO_DEEP`, `TIO_DUPLICATE_NAME`, `TIO_TOO_LARGE`.
 */
export class JsonReader {
  private readonly text: string;
  private readonly where: string;
  private at = 0;
  private depth = 0;

  /** @throws {TensorIoError} `TIO_NOT_UTF8`. */
  constructor(bytes: Uint8Array, where: string) {
    this.text = decodeUtf8(bytes, where);
    this.where = where;
  }

  /** Whether the next value is an object, an array or a string; any other is read past, so that bad JSON is reported as such. */
  is(start: '{' | '[' | '"'): boolean {
    if (this.next() === start) return true;
    this.skip();
    return false;
  }

  /** Reads an object; `member` is called with each name and must read or skip the value. */
  object(member: (name: string) => void): void {
    const names = new Set<string>();
    this.enter('{');
    if (!this.take('}')) {
      do {
        const name = this.name();
        if (names.has(name)) {
          throw new TensorIoError(
            'TIO_DUPLICATE_NAME',
            `${this.where}: the name ${JSON.stringify(name)} occurs twice in one JSON object.`,
          );
        }
        if (names.add(name).size > MAX_MEMBERS) {
          throw new TensorIoError(
            'TIO_TOO_LARGE',
            `${this.where}: a JSON object of more than ${MAX_MEMBERS} members.`,
          );
        }
        member(name);
      } while (this.take(','));
      if (!this.take('}')) throw this.unexpected('"," or "}"');
    }
    this.depth--;
  }

  /** Reads an array; `item` must read or skip each value. */
  array(item: () => void): void {
    this.enter('[');
    if (!this.take(']')) {
      do item();
      while (this.take(','));
      if (!this.take(']')) throw this.unexpected('"," or "]"');
    }
    this.depth--;
  }

  string(): string {
    const start = this.closeString();
    const literal = this.text.slice(start, this.at);
    if (!literal.includes('\\')) return literal.slice(1, -1);
    const value = this.unescape(literal);
    // UTF-8 holds no lone surrogates, only escapes can make them.
    if (LONE_SURROGATE.test(value)) {
      throw new TensorIoError(
        'TIO_BAD_JSON',
        `${this.where}: the string ${literal} holds half a surrogate pair.`,
      );
    }
    return value;
  }

  /** An integer written without fraction and exponent; undefined for any other value, which is read past. */
  integer(): bigint | undefined {
    const next = this.next();
    if (next !== '-' && !(next !== undefined && next >= '0' && next <= '9')) {
      this.skip();
      return undefined;
    }
    const literal = this.number();
    return INTEGER.test(literal) && literal.length <= MAX_INTEGER_DIGITS ? BigInt(literal) : undefined;
  }

  /** Reads past a value of any kind. */
  skip(): void {
    const next = this.next();
    const word = WORDS.find((candidate) => this.text.startsWith(candidate, this.at));
    if (next === '{') this.object(() => this.skip());
    else if (next === '[') this.array(() => this.skip());
    else if (next === '"') this.string();
    else if (word === undefined) this.number();
    else this.at += word.length;
  }

  /** Nothing but white space may follow. */
  end(): void {
    if (this.next() !== undefined) throw this.unexpected('the end');
  }

  private unexpected(expected: string): TensorIoError {
    const found = this.text[this.at];
    const got = found === undefined ? 'the end' : JSON.stringify(found);
    return new TensorIoError(
      'TIO_BAD_JSON',
      `${this.where}: not valid JSON: expected ${expected} at character ${this.at}, got ${got}.`,
    );
  }

  /** The next character that is no white space, not yet consumed. */
  private next(): string | undefined {
    for (;;) {
      const unit = this.text.charCodeAt(this.at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return this.text[this.at];
      this.at++;
    }
  }

  private take(character: string): boolean {
    if (this.next() !== character) return false;
    this.at++;
    return true;
  }

  private enter(start: '{' | '['): void {
    if (!this.take(start)) throw this.unexpected(`"${start}"`);
    if (++this.depth > MAX_DEPTH) {
      throw new TensorIoError(
        'TIO_TOO_DEEP',
        `${this.where}: JSON nested more than ${MAX_DEPTH} levels deep.`,
      );
    }
  }

  private name(): string {
    if (this.next() !== '"') throw this.unexpected('a name in quotes');
    const name = this.string();
    if (!this.take(':')) throw this.unexpected('":"');
    return name;
  }

  private number(): string {
    NUMBER.lastIndex = this.at;
    const literal = NUMBER.exec(this.text)?.[0];
    if (literal === undefined) throw this.unexpected('a value');
    this.at += literal.length;
    return literal;
  }

  /** Moves behind the closing quote of a string and returns where it began. */
  private closeString(): number {
    const start = this.at++;
    for (;;) {
      const unit = this.text.charCodeAt(this.at);
      // A control character, or NaN past the end of the text.
      if (!(unit >= 0x20)) throw this.unexpected('a closing quote');
      this.at++;
      if (unit === 0x22) return start;
      if (unit === 0x5c) this.at++;
    }
  }

  private unescape(literal: string): string {
    try {
      return JSON.parse(literal) as string;
    } catch (cause) {
      throw new TensorIoError(
        'TIO_BAD_JSON',
        `${this.where}: not valid JSON: a bad escape in the string that ends at character ${this.at}.`,
        { cause },
      );
    }
  }
}
