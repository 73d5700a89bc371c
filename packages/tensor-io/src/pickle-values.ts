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
