import type { RunningEngine } from './engine-pool.ts';
import type { Column } from './groups.ts';
import type { Cell } from './results.ts';
import { spread } from './statistics.ts';
import type { Task } from './tasks.ts';

/** One column of a row: a task on an engine that runs. */
export interface Entry extends Omit<Column, 'engine'> {
  readonly engine: RunningEngine;
}

export interface Measuring {
  readonly rounds: number;
  readonly clock: 'cpu' | 'wall';
  /** A sample is as many calls as take this long, at least one. */
  readonly sampleSeconds: number;
  /** An engine counts as warm then, whether or not it still gets faster. */
  readonly warmUpSeconds: number;
  /** Whether the engines run for this row alone, so that their heap is what it needs. */
  readonly alone: boolean;
  /** Hears of each column that is ready and of each sample: the share of the row that is done. */
  readonly tell: (share: number) => void;
}

/** How far results may differ between engines, relative to the largest value compared: sums in another order, another erf. */
const TOLERANCE = 2e-3;

/**
 * Measures the columns of one row in turns: in each round every engine gives one sample, each round beginning with another engine.
 * All compute the same: an engine whose result differs from the first one's is reported so, without times.
 */
export async function measureRow(
  entries: readonly Entry[],
  measuring: Measuring,
): Promise<Record<string, Cell>> {
  const { rounds, clock, sampleSeconds, warmUpSeconds, alone, tell } = measuring;
  const cells: Record<string, Cell> = {};
  const ready: (Entry & { calls: number; samples: number[]; peakBytes: number | undefined })[] = [];
  const steps = entries.length * (rounds + 1);
  let done = 0;
  const advance = (count = 1) => {
    done += count;
    tell(done / steps);
  };
  const checks = new Map<string, { column: string; values: readonly number[] }>();
  for (const entry of entries) {
    const { column, engine, task } = entry;
    const reply = await engine.request({ do: 'prepare', slot: column, task, warmUpSeconds });
    advance();
    const reference = checks.get(comparable(task));
    if ('unsupported' in reply) cells[column] = { missing: reply.unsupported };
    else if ('failed' in reply) cells[column] = { missing: `failed: ${reply.failed}` };
    else if (!('secondsPerCall' in reply)) throw new Error(`unexpected reply ${JSON.stringify(reply)}`);
    else if (!reply.check.every((value) => Number.isFinite(value))) {
      // JSON has null for what is not finite.
      cells[column] = { missing: `failed: its result begins with ${start(reply.check)}` };
    } else if (reference !== undefined && !close(reply.check, reference.values)) {
      cells[column] = {
        missing: `failed: its result begins with ${start(reply.check)}, that of ${reference.column} with ${start(reference.values)}`,
      };
    } else {
      checks.set(comparable(task), { column, values: reply.check });
      ready.push({
        ...entry,
        calls: Math.max(1, Math.ceil(sampleSeconds / reply.secondsPerCall)),
        samples: [],
        peakBytes: reply.peakBytes,
      });
    }
    if (cells[column] !== undefined) advance(rounds);
  }
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < ready.length; turn++) {
      const { column, engine, calls, samples } = ready[(round + turn) % ready.length]!;
      const reply = await engine.request({ do: 'run', slot: column, calls });
      if ('failed' in reply) cells[column] = { missing: `failed: ${reply.failed}` };
      else if ('cpu' in reply) samples.push(reply[clock] / calls);
      advance();
    }
  }
  for (const { column, engine, calls, samples, flop, peakBytes } of ready) {
    const reply = await engine.request({ do: 'release', slot: column });
    const heap = alone && 'heapBytes' in reply ? reply.heapBytes : null;
    cells[column] ??= {
      ...{ seconds: spread(samples), rounds: samples, calls },
      ...(flop !== undefined && { flop }),
      ...(heap !== null && { heapBytes: heap }),
      ...(peakBytes !== undefined && { peakBytes }),
    };
  }
  return cells;
}

const start = (values: readonly number[]): string => values.slice(0, 4).join(', ');

/** Tasks whose results are to be equal. */
const comparable = (task: Task): string => JSON.stringify(task);

/** Whether two results begin alike; an engine may give fewer values than another. */
function close(values: readonly number[], expected: readonly number[]): boolean {
  const both = Math.min(values.length, expected.length);
  const largest = Math.max(...expected.slice(0, both).map(Math.abs));
  const near = (value: number, i: number) => Math.abs(value - expected[i]!) <= TOLERANCE * largest;
  return both > 0 && values.slice(0, both).every(near);
}
