import { OP } from './pickle-opcodes.ts';
import { PickleReader } from './pickle-reader.ts';
import { PickleFunction, type PickleValue } from './pickle-values.ts';

/** What the caller allows. Both throw to refuse. */
export interface PickleHost {
  global(name: string): PickleValue;
  persistent(id: PickleValue): PickleValue;
}

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
  private readonly reader: PickleReader;
  private readonly host: PickleHost;
  private stack: PickleValue[] = [];
  private readonly marked: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(bytes: Uint8Array, host: PickleHost, where: string) {
    this.reader = new PickleReader(bytes, where);
    this.host = host;
  }

  run(): PickleValue {
    for (let op = this.reader.byte(); op !== OP.STOP; op = this.reader.byte()) {
      if (!this.value(op) && !this.container(op) && !this.reference(op)) {
        const hex = op.toString(16).padStart(2, '0');
        throw this.reader.bad(`opcode 0x${hex} makes something other than tensors and plain containers`);
      }
    }
    const result = this.pop();
    this.reader.end();
    return result;
  }

  /** Numbers, strings, booleans and None. */
  private value(op: number): boolean {
    const { stack, reader } = this;
    switch (op) {
      case OP.PROTO: {
        const protocol = reader.byte();
        if (protocol < 2 || protocol > 5) throw reader.bad(`protocol ${protocol} is not read, only 2 to 5`);
        return true;
      }
      case OP.FRAME:
        reader.skip(8);
        return true;
      case OP.NONE:
        stack.push(null);
        return true;
      case OP.NEWTRUE:
      case OP.NEWFALSE:
        stack.push(op === OP.NEWTRUE);
        return true;
      case OP.BININT:
        stack.push(reader.int32());
        return true;
      case OP.BININT1:
        stack.push(reader.byte());
        return true;
      case OP.BININT2:
        stack.push(reader.uint16());
        return true;
      case OP.LONG1:
        stack.push(reader.long(reader.byte()));
        return true;
      case OP.LONG4:
        stack.push(reader.long(reader.uint32()));
        return true;
      case OP.BINFLOAT:
        stack.push(reader.float64());
        return true;
      case OP.BINUNICODE:
        stack.push(reader.text(reader.uint32()));
        return true;
      case OP.SHORT_BINUNICODE:
        stack.push(reader.text(reader.byte()));
        return true;
      case OP.BINUNICODE8:
        stack.push(reader.text(reader.uint64()));
        return true;
      default:
        return false;
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
        memo.set(this.reader.byte(), this.top());
        return true;
      case OP.LONG_BINPUT:
        memo.set(this.reader.uint32(), this.top());
        return true;
      case OP.MEMOIZE:
        memo.set(memo.size, this.top());
        return true;
      case OP.BINGET:
        stack.push(this.recall(this.reader.byte()));
        return true;
      case OP.LONG_BINGET:
        stack.push(this.recall(this.reader.uint32()));
        return true;
      case OP.GLOBAL:
        stack.push(this.host.global(`${this.reader.line()}.${this.reader.line()}`));
        return true;
      case OP.STACK_GLOBAL: {
        const [module, name] = this.popSeveral(2);
        if (typeof module !== 'string' || typeof name !== 'string')
          throw this.reader.bad('a global without a name');
        stack.push(this.host.global(`${module}.${name}`));
        return true;
      }
      case OP.REDUCE: {
        const [callable, args] = this.popSeveral(2);
        if (!(callable instanceof PickleFunction) || !Array.isArray(args))
          throw this.reader.bad('a call of no function');
        stack.push(callable.call(args));
        return true;
      }
      case OP.BUILD: {
        // PyTorch hangs module versions, `_metadata`, onto the OrderedDict of a state dict; they are no entries of it.
        const [target, attributes] = this.popSeveral(2);
        if (!(target instanceof Map && attributes instanceof Map))
          throw this.reader.bad('attributes on something other than a dict');
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
    if (value === undefined) throw this.reader.bad('the stack is empty');
    return value;
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private popSeveral(count: number): PickleValue[] {
    if (this.stack.length < count) throw this.reader.bad('the stack is empty');
    return this.stack.splice(-count);
  }

  /** Everything since the last mark; the stack below it is current again. */
  private toMark(): PickleValue[] {
    const items = this.stack;
    const below = this.marked.pop();
    if (below === undefined) throw this.reader.bad('a mark is missing');
    this.stack = below;
    return items;
  }

  private recall(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw this.reader.bad(`memo ${index} was never set`);
    return value;
  }

  private append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list) || Object.isFrozen(list))
      throw this.reader.bad('an item for something other than a list');
    for (const item of items) list.push(item);
  }

  private setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0)
      throw this.reader.bad('an entry for something other than a dict');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (key === null || typeof key === 'object')
        throw this.reader.bad('a dict key that is no string, number or boolean');
      dict.set(key, items[i + 1]!);
    }
  }
}
