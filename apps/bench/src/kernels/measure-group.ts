import type { EngineName } from './engine-names.ts';
import type { EnginePool } from './engine-pool.ts';
import type { Group, Row } from './groups.ts';
import { type Entry, measureRow } from './interleave.ts';
import type { Cell, GroupResult, RowResult } from './results.ts';

export interface GroupMeasuring {
  readonly engines: readonly EngineName[];
  readonly rounds: number;
  /** Whether samples are short and engines hardly warmed up. */
  readonly quick: boolean;
  /** What one-thread rows are timed by; wall time where engines cannot tell their processor time. */
  readonly clock: 'cpu' | 'wall';
  /** Rows that were measured before. */
  readonly known: readonly RowResult[];
  /** Hears what is there whenever a row is done. */
  readonly finished: (soFar: GroupResult) => void | Promise<void>;
  /** Hears of each sample: the seconds of a rough estimate that are over, and what was at work. */
  readonly tell: (seconds: number, detail: string) => void;
  readonly signal: AbortSignal;
}

/** A sample is long against the clock's steps and short against the machine's moods. */
const times = { sampleSeconds: 0.05, warmUpSeconds: 3 };
const quickTimes = { sampleSeconds: 0.02, warmUpSeconds: 0.5 };

/** Measures a group row by row, on engines that live through all of them. */
export async function measureGroup(
  group: Group,
  engines: EnginePool,
  measuring: GroupMeasuring,
): Promise<GroupResult> {
  const { known, finished, tell, signal } = measuring;
  const { name, title, note } = group;
  const columns = group.rows.flatMap((row) => wantedColumns(row, measuring).map(({ column }) => column));
  const soFar: GroupResult & { readonly rows: RowResult[] } = {
    ...{ name, title, note, rows: [] },
    columns: [...new Set(columns)],
  };
  const end = () => void engines.endAll();
  // An engine in the middle of a long sample hears nothing else.
  signal.addEventListener('abort', end);
  try {
    let done = 0;
    for (const row of group.rows) {
      signal.throwIfAborted();
      const before = known.find(({ name }) => name === row.name);
      if (before === undefined) {
        if (row.fresh === true) await engines.endAll();
        const result = await measuredRow(row, engines, measuring, (share) =>
          tell(done + share * row.weight, `${name}: ${row.name}`),
        );
        soFar.rows.push(result);
        await finished(soFar);
      } else soFar.rows.push(before);
      done += row.weight;
    }
  } finally {
    signal.removeEventListener('abort', end);
    await engines.endAll();
  }
  return soFar;
}

async function measuredRow(
  row: Row,
  engines: EnginePool,
  options: GroupMeasuring,
  tell: (share: number) => void,
): Promise<RowResult> {
  const { rounds, quick, clock, signal } = options;
  const cells: Record<string, Cell> = {};
  const entries: Entry[] = [];
  for (const column of wantedColumns(row, options)) {
    const engine = await engines.get(column.engine, row.threads);
    if ('missing' in engine) cells[column.column] = { missing: engine.missing };
    else entries.push({ ...column, engine });
  }
  const measuring = {
    rounds: Math.min(rounds, row.rounds ?? rounds),
    clock: row.threads === 1 ? clock : 'wall',
    alone: row.fresh === true,
    ...(quick ? quickTimes : times),
    tell(share: number) {
      signal.throwIfAborted();
      tell(share);
    },
  } as const;
  Object.assign(cells, await measureRow(entries, measuring));
  return { name: row.name, tags: row.tags, clock: measuring.clock, cells };
}

const wantedColumns = ({ columns }: Row, { engines }: GroupMeasuring) =>
  columns.filter(({ engine }) => engines.includes(engine));
