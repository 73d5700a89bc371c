import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineName, Engines } from './engines.ts';
import { type Group, type GroupName, groups, type Row } from './groups.ts';
import { type Entry, measureRow } from './interleave.ts';
import { modelFolder } from './model-files.ts';
import { enginesNode } from './peers.ts';
import type { Cell, GroupResult, KernelResults, RowResult } from './results.ts';

export interface KernelOptions {
  readonly only: readonly GroupName[];
  readonly engines: readonly EngineName[];
  readonly rounds: number;
  readonly quick: boolean;
  /** The Node that engines run in; without it the running one or Node 24 from npm. */
  readonly node?: string;
  /** How the run was started, for whoever wants to repeat it. */
  readonly command: string;
  readonly signal: AbortSignal;
}

export type KernelEvent =
  | { readonly kind: 'note'; readonly message: string }
  /** `total` and `done` are rough seconds of work. */
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly detail: string };

/** A sample is long against the clock's steps and short against the machine's moods. */
const times = { sampleSeconds: 0.05, warmUpSeconds: 3 };
const quickTimes = { sampleSeconds: 0.001, warmUpSeconds: 0.1 };

/** Measures the groups one after the other, row by row; `tell` hears about progress and about engines that are missing. */
export async function measureKernels(
  options: KernelOptions,
  tell: (event: KernelEvent) => void,
): Promise<KernelResults> {
  const note = (message: string) => tell({ kind: 'note', message });
  const folder = await mkdtemp(join(tmpdir(), 'proj-bench-'));
  const engines = new Engines(options.node ?? (await enginesNode(note)), note);
  const results: GroupResult[] = [];
  try {
    const all = groups(modelFolder(folder), options.quick);
    const chosen: Group[] = [];
    for (const name of options.only) chosen.push(await all[name]());
    const total = chosen.flatMap(({ rows }) => rows).reduce((sum, { weight }) => sum + weight, 0);
    let done = 0;
    for (const { rows, ...group } of chosen) {
      const measured: RowResult[] = [];
      for (const row of rows) {
        options.signal.throwIfAborted();
        if (row.fresh === true) await engines.endAll();
        const detail = `${group.name}: ${row.name}`;
        const cells = await rowCells(row, engines, options, (share) =>
          tell({ kind: 'progress', done: done + share * row.weight, total, detail }),
        );
        done += row.weight;
        measured.push({ name: row.name, tags: row.tags, clock: clockFor(row), cells });
      }
      await engines.endAll();
      results.push({ ...group, rows: measured });
    }
  } finally {
    await engines.endAll();
    await rm(folder, { recursive: true, force: true });
  }
  return {
    schema: 'proj.bench.kernels/1',
    command: options.command,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores`,
    quick: options.quick,
    rounds: options.rounds,
    engines: engines.about,
    groups: results,
  };
}

const clockFor = ({ threads }: Row) => (threads === 1 ? 'cpu' : 'wall');

async function rowCells(
  row: Row,
  engines: Engines,
  { engines: wanted, rounds, quick, signal }: KernelOptions,
  tell: (share: number) => void,
): Promise<Record<string, Cell>> {
  const columns = row.columns.filter(({ engine }) => wanted.includes(engine));
  const missing: Record<string, Cell> = {};
  const entries: Entry[] = [];
  for (const column of columns) {
    const engine = await engines.get(column.engine, row.threads);
    if ('missing' in engine) missing[column.column] = { missing: engine.missing };
    else entries.push({ ...column, engine });
  }
  const measuring = {
    rounds: Math.min(rounds, row.rounds ?? rounds),
    clock: clockFor(row),
    alone: row.fresh === true,
    ...(quick ? quickTimes : times),
    tell(share: number) {
      signal.throwIfAborted();
      tell(share);
    },
  } as const;
  const cells = { ...missing, ...(await measureRow(entries, measuring)) };
  // In the order of the columns, present or not.
  return Object.fromEntries(columns.map(({ column }) => [column, cells[column]!]));
}
