import { TensorIoError } from './errors.ts';
import { decodeUtf8 } from './utf8.ts';

/** What only the caller knows how to make: functions, classes, tensors. Nothing else in a pickle has behaviour. */
export abstract class PickleObject {
  /** How messages call it. */
  abstract readonly label: string;
}

/** A global that a pickle may call. */
export class PickleFunction extends PickleObject {
  readonly label: string;
  readonly call: (args: readonly PickleValue[]) => PickleValue;

  constructor(label: string, call: (args: readonly PickleValue[]) => PickleValue) {
    super();
    this.label = label;
    this.call = call;
  }
}

/** Lists and tuples are arrays (tuples frozen), dicts are Maps, integers beyond 2^53 are bigints, None is null. */
export type PickleValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | PickleObject
  | PickleValue[]
  | readonly PickleValue[]
  | Map<PickleKey, PickleValue>;
export type PickleKey = string | number | bigint | boolean;

/** What the caller allows. Both throw to refuse. */
export interface PickleHost {
  global(name: string): PickleValue;
  persistent(id: PickleValue): PickleValue;
}

/** Longest integer accepted, in bytes; converting takes quadratic time (CWE-407). */
const MAX_LONG_BYTES = 255;

const OP = {
  MARK: 0x28, // (
  TUPLE: 0x74, // t
  STOP: 0x2e, // .
  POP: 0x30, // 0
  POP_MARK: 0x31, // 1
  NONE: 0x4e, // N
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  BININT: 0x4a, // J
  BININT1: 0x4b, // K
  BININT2: 0x4d, // M
  LONG1: 0x8a,
  LONG4: 0x8b,
  BINFLOAT: 0x47, // G
  BINUNICODE: 0x58, // X
  SHORT_BINUNICODE: 0x8c,
  BINUNICODE8: 0x8d,
  EMPTY_DICT: 0x7d, // }
  DICT: 0x64, // d
  SETITEM: 0x73, // s
  SETITEMS: 0x75, // u
  EMPTY_LIST: 0x5d, // ]
  LIST: 0x6c, // l
  APPEND: 0x61, // a
  APPENDS: 0x65, // e
  EMPTY_TUPLE: 0x29, // )
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  BINPUT: 0x71, // q
  LONG_BINPUT: 0x72, // r
  MEMOIZE: 0x94,
  BINGET: 0x68, // h
  LONG_BINGET: 0x6a, // j
  GLOBAL: 0x63, // c
  STACK_GLOBAL: 0x93,
  REDUCE: 0x52, // R
  BUILD: 0x62, // b
  BINPERSID: 0x51, // Q
  PROTO: 0x80,
  FRAME: 0x95,
} as const;

/**
 * Runs a pickle (protocol 2 to 5) that may hold numbers, strings, booleans, None, lists, tuples and dicts, and what the
 * host makes; every other opcode and global is refused. Nothing is evaluated and no attribute is looked up or set.
 *
 * @throws {TensorIoError} `TIO_BAD_PICKLE`, `TIO_NOT_UTF8`, `TIO_TRAILING_BYTES` and what the host throws.
 */
export function unpickle(bytes: Uint8Array, host: PickleHost, where: string): PickleValue {
  return new Unpickler(bytes, host, where).run();
}

class Unpickler {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly host: PickleHost;
  private readonly where: string;
  private at = 0;
  private stack: PickleValue[] = [];
  private readonly marked: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(bytes: Uint8Array, host: PickleHost, where: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.host = host;
    this.where = where;
  }

  run(): PickleValue {
    for (;;) {
      const start = this.at;
      const op = this.bytes[this.skip(1)]!;
      if (op === OP.STOP) break;
      this.step(op, start);
    }
    const result = this.pop();
    if (this.at !== this.bytes.length) {
      const rest = this.bytes.length - this.at;
      throw new TensorIoError('TIO_TRAILING_BYTES', `${this.where}: ${rest} bytes follow the pickle.`);
    }
    return result;
  }

  private bad(reason: string): TensorIoError {
    return new TensorIoError(
      'TIO_BAD_PICKLE',
      `${this.where}: ${reason}, before byte ${this.at} of the pickle.`,
    );
  }

  /** Position of the next `length` bytes, consumed. */
  private skip(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw this.bad('the pickle ends too early');
    this.at += length;
    return start;
  }

  private step(op: number, start: number): void {
    const { stack, view } = this;
    switch (op) {
      case OP.PROTO: {
        const protocol = this.byte();
        if (protocol < 2 || protocol > 5) throw this.bad(`protocol ${protocol} is not read, only 2 to 5`);
        return;
      }
      case OP.FRAME:
        this.skip(8);
        return;
      case OP.NONE:
        stack.push(null);
        return;
      case OP.NEWTRUE:
      case OP.NEWFALSE:
        stack.push(op === OP.NEWTRUE);
        return;
      case OP.BININT:
        stack.push(view.getInt32(this.skip(4), true));
        return;
      case OP.BININT1:
        stack.push(this.byte());
        return;
      case OP.BININT2:
        stack.push(view.getUint16(this.skip(2), true));
        return;
      case OP.LONG1:
        stack.push(this.long(this.byte()));
        return;
      case OP.LONG4:
        stack.push(this.long(this.uint32()));
        return;
      case OP.BINFLOAT:
        stack.push(view.getFloat64(this.skip(8)));
        return;
      case OP.BINUNICODE:
        stack.push(this.text(this.uint32()));
        return;
      case OP.SHORT_BINUNICODE:
        stack.push(this.text(this.byte()));
        return;
      case OP.BINUNICODE8:
        stack.push(this.text(Number(view.getBigUint64(this.skip(8), true))));
        return;
      default:
        if (!this.container(op) && !this.reference(op)) {
          const hex = op.toString(16).padStart(2, '0');
          throw this.bad(
            `opcode 0x${hex} at byte ${start} makes something other than tensors and plain containers`,
          );
        }
    }
  }

  /** Stack, lists, tuples and dicts. */
  private container(op: number): boolean {
    const { stack } = this;
    switch (op) {
      case OP.MARK:
        this.marked.push(stack);
        this.stack = [];
        return true;
      case OP.POP:
        this.pop();
        return true;
      case OP.POP_MARK:
        this.toMark();
        return true;
      case OP.EMPTY_TUPLE:
        stack.push(Object.freeze([]));
        return true;
      case OP.TUPLE1:
      case OP.TUPLE2:
      case OP.TUPLE3:
        stack.push(Object.freeze(this.popSeveral(op - OP.TUPLE1 + 1)));
        return true;
      case OP.TUPLE:
        this.push(Object.freeze(this.toMark()));
        return true;
      case OP.EMPTY_LIST:
        stack.push([]);
        return true;
      case OP.LIST:
        this.push(this.toMark());
        return true;
      case OP.APPEND:
        this.append(this.popSeveral(1));
        return true;
      case OP.APPENDS:
        this.append(this.toMark());
        return true;
      case OP.EMPTY_DICT:
        stack.push(new Map());
        return true;
      case OP.DICT: {
        const items = this.toMark();
        this.push(new Map());
        this.setItems(items);
        return true;
      }
      case OP.SETITEM:
        this.setItems(this.popSeveral(2));
        return true;
      case OP.SETITEMS:
        this.setItems(this.toMark());
        return true;
      default:
        return false;
    }
  }

  /** The memo, globals and calls. */
  private reference(op: number): boolean {
    const { stack, memo } = this;
    switch (op) {
      case OP.BINPUT:
        memo.set(this.byte(), this.top());
        return true;
      case OP.LONG_BINPUT:
        memo.set(this.uint32(), this.top());
        return true;
      case OP.MEMOIZE:
        memo.set(memo.size, this.top());
        return true;
      case OP.BINGET:
        stack.push(this.recall(this.byte()));
        return true;
      case OP.LONG_BINGET:
        stack.push(this.recall(this.uint32()));
        return true;
      case OP.GLOBAL:
        stack.push(this.host.global(`${this.line()}.${this.line()}`));
        return true;
      case OP.STACK_GLOBAL: {
        const [module, name] = this.popSeveral(2);
        if (typeof module !== 'string' || typeof name !== 'string') throw this.bad('a global without a name');
        stack.push(this.host.global(`${module}.${name}`));
        return true;
      }
      case OP.REDUCE: {
        const [callable, args] = this.popSeveral(2);
        if (!(callable instanceof PickleFunction) || !Array.isArray(args))
          throw this.bad('a call of no function');
        stack.push(callable.call(args));
        return true;
      }
      case OP.BUILD: {
        // PyTorch hangs module versions, `_metadata`, onto the OrderedDict of a state dict; they are no entries of it.
        const [target, attributes] = this.popSeveral(2);
        if (!(target instanceof Map && attributes instanceof Map))
          throw this.bad('attributes on something other than a dict');
        stack.push(target);
        return true;
      }
      case OP.BINPERSID:
        stack.push(this.host.persistent(this.pop()));
        return true;
      default:
        return false;
    }
  }

  private push(value: PickleValue): void {
    this.stack.push(value);
  }

  private top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined) throw this.bad('the stack is empty');
    return value;
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private popSeveral(count: number): PickleValue[] {
    if (this.stack.length < count) throw this.bad('the stack is empty');
    return this.stack.splice(-count);
  }

  /** Everything since the last mark; the stack below it is current again. */
  private toMark(): PickleValue[] {
    const items = this.stack;
    const below = this.marked.pop();
    if (below === undefined) throw this.bad('a mark is missing');
    this.stack = below;
    return items;
  }

  private recall(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw this.bad(`memo ${index} was never set`);
    return value;
  }

  private append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list) || Object.isFrozen(list))
      throw this.bad('an item for something other than a list');
    for (const item of items) list.push(item);
  }

  private setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0)
      throw this.bad('an entry for something other than a dict');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (key === null || typeof key === 'object')
        throw this.bad('a dict key that is no string, number or boolean');
      dict.set(key, items[i + 1]!);
    }
  }

  private byte(): number {
    return this.bytes[this.skip(1)]!;
  }

  private uint32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  /** A little-endian two's complement integer. */
  private long(length: number): number | bigint {
    if (length > MAX_LONG_BYTES) throw this.bad(`an integer of ${length} bytes`);
    const start = this.skip(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[start + i]!);
    value = BigInt.asIntN(8 * length, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.bad('a name without an end');
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  private text(length: number): string {
    const start = this.skip(length);
    return decodeUtf8(this.bytes.subarray(start, start + length), `${this.where}: a string of the pickle`);
  }
}
