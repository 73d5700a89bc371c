import type { EngineName } from './engine-names.ts';
import { type Spread, spread } from './statistics.ts';

/** What one column of a row came to: seconds a call in each round, or why there are none. */
export type Cell =
  | {
      readonly seconds: Spread;
      /** Seconds a call, round by round; the rounds of all columns of a row belong together. */
      readonly rounds: readonly number[];
      /** Calls that a round's time is the mean of. */
      readonly calls: number;
      /** Floating-point operations of a call, where that is what counts. */
      readonly flop?: number;
      /** What the engine's WebAssembly memory had grown to, where the engine ran for this row alone. */
      readonly heapBytes?: number;
      /** What tensors took at most during a call, where that was counted. */
      readonly peakBytes?: number;
    }
  | { readonly missing: string };

export type RowResult = {
  readonly name: string;
  /** Which targets it counts for, and what it is: `large`, `attention`, `small`, `transposed`, `batched`. */
  readonly tags: readonly string[];
  /** CPU time of the whole process where one thread works, else wall time. */
  readonly clock: 'cpu' | 'wall';
  readonly cells: Readonly<Record<string, Cell>>;
};

export type GroupResult = {
  readonly name: string;
  readonly title: string;
  readonly note: string;
  /** In the order of the table; a stored object's keys have none. */
  readonly columns: readonly string[];
  readonly rows: readonly RowResult[];
};

/** What was measured on one machine. */
export type Measured = {
  /** Whether these are the fewer and smaller rows of a first look, which no target speaks of. */
  readonly quick: boolean;
  readonly rounds: number;
  /** What ran under each engine's name, and what could not. */
  readonly engines: Readonly<Partial<Record<EngineName, string>>>;
  readonly groups: readonly GroupResult[];
};

/** How many times as long the first takes as the second: the median over the rounds, each a pair taken together. */
export function timeRatio(row: RowResult, numerator: string, denominator: string): Spread | undefined {
  const [a, b] = [row.cells[numerator], row.cells[denominator]];
  if (a === undefined || b === undefined || 'missing' in a || 'missing' in b) return undefined;
  return spread(a.rounds.map((seconds, round) => seconds / b.rounds[round]!));
}

/** How many times as many operations a second the first makes as the second. */
export function speedRatio(row: RowResult, numerator: string, denominator: string): Spread | undefined {
  const [a, b] = [row.cells[numerator], row.cells[denominator]];
  if (a === undefined || b === undefined || 'missing' in a || 'missing' in b) return undefined;
  if (a.flop === undefined || b.flop === undefined) return undefined;
  const operations = a.flop / b.flop;
  return spread(a.rounds.map((seconds, round) => (operations * b.rounds[round]!) / seconds));
}
