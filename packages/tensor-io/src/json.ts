import { TensorIoError } from './errors.ts';
import { decodeUtf8 } from './utf8.ts';

/** JSON as headers need it: objects are Maps, so no name is special; plain integers are bigints, other numbers are numbers. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

/** Nesting that no header needs; it keeps the recursion shallow (CWE-674). */
const MAX_DEPTH = 16;

/** No 64-bit integer has more digits, and turning text into a bigint takes quadratic time (CWE-407). */
const MAX_INTEGER_DIGITS = 20;

/**
 * UTF-8 JSON, strictly by RFC 8259: malformed UTF-8, a byte order mark, lone surrogates and duplicate names are refused,
 * where `JSON.parse` would keep the last of several equal names.
 *
 * @throws {TensorIoError} `TIO_NOT_UTF8`, `TIO_BAD_JSON`, `TIO_TOO_DEEP`, `TIO_DUPLICATE_NAME`.
 */
export function parseJson(bytes: Uint8Array, where: string): Json {
  return new Scanner(decodeUtf8(bytes, where), where).document();
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^(?:0|-?[1-9]\d*)$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

class Scanner {
  private readonly text: string;
  private readonly where: string;
  private at = 0;

  constructor(text: string, where: string) {
    this.text = text;
    this.where = where;
  }

  document(): Json {
    const value = this.value(0);
    if (this.next() !== undefined) throw this.unexpected('the end');
    return value;
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

  private value(depth: number): Json {
    if (depth > MAX_DEPTH) {
      throw new TensorIoError(
        'TIO_TOO_DEEP',
        `${this.where}: JSON nested more than ${MAX_DEPTH} levels deep.`,
      );
    }
    switch (this.next()) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonObject {
    const members = new Map<string, Json>();
    this.at++;
    if (this.take('}')) return members;
    do {
      if (this.next() !== '"') throw this.unexpected('a name in quotes');
      const name = this.string();
      if (members.has(name)) {
        throw new TensorIoError(
          'TIO_DUPLICATE_NAME',
          `${this.where}: the name ${JSON.stringify(name)} occurs twice in one JSON object.`,
        );
      }
      if (!this.take(':')) throw this.unexpected('":"');
      members.set(name, this.value(depth + 1));
    } while (this.take(','));
    if (!this.take('}')) throw this.unexpected('"," or "}"');
    return members;
  }

  private array(depth: number): readonly Json[] {
    const items: Json[] = [];
    this.at++;
    if (this.take(']')) return items;
    do {
      items.push(this.value(depth + 1));
    } while (this.take(','));
    if (!this.take(']')) throw this.unexpected('"," or "]"');
    return items;
  }

  private word<T extends boolean | null>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.unexpected(word);
    this.at += word.length;
    return value;
  }

  private number(): number | bigint {
    NUMBER.lastIndex = this.at;
    const literal = NUMBER.exec(this.text)?.[0];
    if (literal === undefined) throw this.unexpected('a value');
    this.at += literal.length;
    return INTEGER.test(literal) && literal.length <= MAX_INTEGER_DIGITS ? BigInt(literal) : Number(literal);
  }

  private string(): string {
    let start = ++this.at;
    let value = '';
    for (;;) {
      const unit = this.text.charCodeAt(this.at);
      if (unit === 0x22) break;
      if (unit === 0x5c) {
        value += this.text.slice(start, this.at) + this.escape();
        start = this.at;
      } else if (unit >= 0x20) {
        this.at++;
      } else {
        // A control character, or NaN past the end of the text.
        throw this.unexpected('a closing quote');
      }
    }
    const escaped = value !== '';
    value += this.text.slice(start, this.at++);
    // UTF-8 holds no lone surrogates, only escapes can make them.
    if (escaped && LONE_SURROGATE.test(value)) {
      throw new TensorIoError(
        'TIO_BAD_JSON',
        `${this.where}: the string ${JSON.stringify(value)} holds half a surrogate pair.`,
      );
    }
    return value;
  }

  private escape(): string {
    const letter = this.text[++this.at];
    if (letter === 'u') {
      const digits = this.text.slice(this.at + 1, this.at + 5);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.unexpected('four hexadecimal digits after \\u');
      this.at += 5;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const escaped = letter === undefined ? undefined : ESCAPES.get(letter);
    if (escaped === undefined) throw this.unexpected('an escape');
    this.at++;
    return escaped;
  }
}
