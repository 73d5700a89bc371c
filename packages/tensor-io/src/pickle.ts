import type { PickleBudget } from './pickle-budget.ts';
import { OP } from './pickle-opcodes.ts';
import { PickleReader } from './pickle-reader.ts';
import { PickleStack } from './pickle-stack.ts';
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
 * @throws {TensorIoError} `TIO_BAD_PICKLE`, `TIO_NOT_UTF8`, `TIO_TRAILING_BYTES`, `TIO_TOO_LARGE` beyond the budget, and what
 * the host throws.
 */
export function unpickle(
  bytes: Uint8Array,
  host: PickleHost,
  budget: PickleBudget,
  where: string,
): PickleValue {
  const reader = new PickleReader(bytes, where);
  return new Unpickler(reader, host, new PickleStack(reader, budget)).run();
}

class Unpickler {
  private readonly reader: PickleReader;
  private readonly host: PickleHost;
  private readonly stack: PickleStack;

  constructor(reader: PickleReader, host: PickleHost, stack: PickleStack) {
    this.reader = reader;
    this.host = host;
    this.stack = stack;
  }

  run(): PickleValue {
    for (let op = this.reader.byte(); op !== OP.STOP; op = this.reader.byte()) {
      if (!this.value(op) && !this.container(op) && !this.reference(op)) {
        const hex = op.toString(16).padStart(2, '0');
        throw this.reader.bad(`opcode 0x${hex} makes something other than tensors and plain containers`);
      }
    }
    const result = this.stack.pop();
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
        stack.mark();
        return true;
      case OP.POP:
        stack.pop();
        return true;
      case OP.POP_MARK:
        stack.toMark();
        return true;
      case OP.EMPTY_TUPLE:
        stack.push(Object.freeze([]));
        return true;
      case OP.TUPLE1:
      case OP.TUPLE2:
      case OP.TUPLE3:
        stack.push(Object.freeze(stack.popSeveral(op - OP.TUPLE1 + 1)));
        return true;
      case OP.TUPLE:
        stack.push(Object.freeze(stack.toMark()));
        return true;
      case OP.EMPTY_LIST:
        stack.push([]);
        return true;
      case OP.LIST:
        stack.push(stack.toMark());
        return true;
      case OP.APPEND:
        stack.append(stack.popSeveral(1));
        return true;
      case OP.APPENDS:
        stack.append(stack.toMark());
        return true;
      case OP.EMPTY_DICT:
        stack.push(new Map());
        return true;
      case OP.DICT: {
        const items = stack.toMark();
        stack.push(new Map());
        stack.setItems(items);
        return true;
      }
      case OP.SETITEM:
        stack.setItems(stack.popSeveral(2));
        return true;
      case OP.SETITEMS:
        stack.setItems(stack.toMark());
        return true;
      default:
        return false;
    }
  }

  /** The memo, globals and calls. */
  private reference(op: number): boolean {
    const { stack, reader } = this;
    switch (op) {
      case OP.BINPUT:
        stack.memoize(reader.byte());
        return true;
      case OP.LONG_BINPUT:
        stack.memoize(reader.uint32());
        return true;
      case OP.MEMOIZE:
        stack.memoize();
        return true;
      case OP.BINGET:
        stack.recall(reader.byte());
        return true;
      case OP.LONG_BINGET:
        stack.recall(reader.uint32());
        return true;
      case OP.GLOBAL:
        stack.push(this.host.global(`${reader.line()}.${reader.line()}`));
        return true;
      case OP.STACK_GLOBAL: {
        const [module, name] = stack.popSeveral(2);
        if (typeof module !== 'string' || typeof name !== 'string')
          throw reader.bad('a global without a name');
        stack.push(this.host.global(`${module}.${name}`));
        return true;
      }
      case OP.REDUCE: {
        const [callable, args] = stack.popSeveral(2);
        if (!(callable instanceof PickleFunction) || !Array.isArray(args))
          throw reader.bad('a call of no function');
        stack.push(callable.call(args));
        return true;
      }
      case OP.BUILD: {
        // PyTorch hangs module versions, `_metadata`, onto the OrderedDict of a state dict; they are no entries of it.
        const [target, attributes] = stack.popSeveral(2);
        if (!(target instanceof Map && attributes instanceof Map))
          throw reader.bad('attributes on something other than a dict');
        stack.push(target);
        return true;
      }
      case OP.BINPERSID:
        stack.push(this.host.persistent(stack.pop()));
        return true;
      default:
        return false;
    }
  }
}
