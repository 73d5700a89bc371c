import { MEMO_COST, OBJECT_COST, type PickleBudget } from './pickle-budget.ts';
import type { PickleReader } from './pickle-reader.ts';
import type { PickleValue } from './pickle-values.ts';

/** The stack, marks and memo of an unpickler; everything that is put on them is paid for. */
export class PickleStack {
  private readonly reader: PickleReader;
  private readonly budget: PickleBudget;
  private items: PickleValue[] = [];
  private readonly marked: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(reader: PickleReader, budget: PickleBudget) {
    this.reader = reader;
    this.budget = budget;
  }

  push(value: PickleValue): void {
    this.budget.spend(typeof value === 'object' && value !== null ? OBJECT_COST : 1);
    this.items.push(value);
  }

  top(): PickleValue {
    const value = this.items.at(-1);
    if (value === undefined) throw this.reader.bad('the stack is empty');
    return value;
  }

  pop(): PickleValue {
    const value = this.top();
    this.items.pop();
    return value;
  }

  popSeveral(count: number): PickleValue[] {
    if (this.items.length < count) throw this.reader.bad('the stack is empty');
    return this.items.splice(-count);
  }

  mark(): void {
    this.budget.spend(OBJECT_COST);
    this.marked.push(this.items);
    this.items = [];
  }

  /** Everything since the last mark; the stack below it is current again. */
  toMark(): PickleValue[] {
    const items = this.items;
    const below = this.marked.pop();
    if (below === undefined) throw this.reader.bad('a mark is missing');
    this.items = below;
    return items;
  }

  /** Puts the top into the memo, under the next number unless one is given. */
  memoize(index = this.memo.size): void {
    this.budget.spend(MEMO_COST);
    this.memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.reader.bad(`memo ${index} was never set`);
    this.push(value);
  }

  /** Appends to the list on top. */
  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list) || Object.isFrozen(list))
      throw this.reader.bad('an item for something other than a list');
    this.budget.spend(items.length);
    for (const item of items) list.push(item);
  }

  /** Puts keys and values, by turns, into the dict on top. */
  setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0)
      throw this.reader.bad('an entry for something other than a dict');
    this.budget.spend(items.length);
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (key === null || typeof key === 'object')
        throw this.reader.bad('a dict key that is no string, number or boolean');
      dict.set(key, items[i + 1]!);
    }
  }
}
