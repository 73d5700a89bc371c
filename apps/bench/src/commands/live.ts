import { styleText } from 'node:util';
import Table from 'cli-table3';
import { createLogUpdate } from 'log-update';
import { type Board, isAtWork, type Row } from '../runner/board.ts';
import type { JobState, RunEvent } from '../runner/events.ts';
import { counted, cut, duration, printable } from './format.ts';

/** Shows a run while it goes on. */
export interface LiveView {
  take(event: RunEvent): void;
  end(): void;
}

type Stream = NodeJS.WriteStream;

const now = () => performance.now() / 1000;

/** A table on a terminal; elsewhere one line for each change of state, and every ten seconds for what runs. */
export const liveView = (board: Board, stream: Stream): LiveView =>
  stream.isTTY ? tableView(board, stream) : lineView(board, stream);

function tableView(board: Board, stream: Stream): LiveView {
  const screen = createLogUpdate(stream, { showCursor: true });
  const draw = () => screen(tableOf(board, stream.columns ?? 80, stream.rows ?? 24));
  const timer = setInterval(draw, 500);
  return {
    take: (event) => void board.take(event, now()),
    end() {
      clearInterval(timer);
      draw();
      screen.done();
    },
  };
}

const colours: Partial<Record<JobState, 'red' | 'yellow' | 'green' | 'gray'>> = {
  failed: 'red',
  blocked: 'red',
  stalled: 'yellow',
  retrying: 'yellow',
  running: 'green',
  waiting: 'gray',
};

/** The table's own, the last one, and one to spare. */
const frameLines = 6;
/** Of a job that failed. */
const logLines = 2;

/** What goes on, what went wrong, and what comes next, as far as it fits. */
export function tableOf(board: Board, columns: number, lines: number): string {
  const rows = board.rows(now());
  const among = (...states: readonly JobState[]) => rows.filter(({ event }) => states.includes(event.state));
  const room = Math.max(6, lines - frameLines);
  const next = [...among('queued'), ...among('waiting')].slice(0, Math.min(3, room - 5));
  const failed = among('failed').slice(-Math.max(1, Math.floor(room / (2 * (1 + logLines)))));
  const active = among('running', 'stalled', 'retrying', 'stopped').slice(
    0,
    room - next.length - failed.length * (1 + logLines),
  );
  // State, progress and time need what they need; names and details share the rest.
  const rest = Math.max(16, columns - 10 - 18 - 9 - 6);
  const widths = [Math.ceil(rest / 2), 10, 18, 9, Math.floor(rest / 2)];
  const table = new Table({
    head: ['job', 'state', 'progress', 'left', ''],
    colWidths: widths,
    style: { head: [], border: [], compact: true },
  });
  for (const row of [...active, ...failed, ...next]) table.push(cellsOf(row));
  const logs = failed.flatMap(({ spec, event }) =>
    (event.log ?? []).slice(-logLines).map((line) => cut(printable(`${spec.label}: ${line}`), columns - 1)),
  );
  const shown = table.length > 0 ? [table.toString()] : [];
  return [...shown, ...logs, totalLine(board, rows)].join('\n');
}

function cellsOf({ spec, event, secondsLeft }: Row): string[] {
  const { state, done, total, detail, message, host } = event;
  const colour = colours[state];
  return [
    printable(spec.label),
    colour === undefined ? state : styleText(colour, state),
    progressText(done, total),
    secondsLeft === undefined ? '' : duration(secondsLeft),
    printable([host, message ?? detail].filter(Boolean).join(': ')),
  ];
}

const progressText = (done: number | undefined, total: number | undefined): string =>
  done === undefined || !total ? '' : `${done}/${total} (${Math.floor((100 * done) / total)} %)`;

function totalLine(board: Board, rows: readonly Row[]): string {
  const parts = [`${board.count('done')} of ${counted(rows.length, 'job')} done`];
  const states = ['running', 'stalled', 'retrying', 'failed', 'blocked', 'queued', 'waiting'] as const;
  for (const state of states) if (board.count(state) > 0) parts.push(`${board.count(state)} ${state}`);
  if (board.count('running', 'stalled', 'retrying', 'queued') > 0)
    parts.push(`about ${duration(board.secondsLeft(now()))} left`);
  return parts.join(', ');
}

function lineView(board: Board, stream: Stream): LiveView {
  const say = (text: string) => stream.write(`${text}\n`);
  const known = new Set<string>();
  const timer = setInterval(() => {
    const rows = board.rows(now());
    for (const row of rows.filter(({ event }) => isAtWork(event.state))) say(`  ${lineOf(row)}`);
    say(totalLine(board, rows));
  }, 10_000);
  return {
    take(event) {
      const before = board.take(event, now());
      const first = !known.has(event.id);
      known.add(event.id);
      if (before.state === event.state || silent.includes(event.state)) return;
      // What was done before was said with the plan.
      if (first && event.state === 'done') return;
      say(lineOf(board.rows(now()).find(({ spec }) => spec.id === event.id)!));
      if (event.state === 'failed' || event.state === 'retrying')
        for (const line of event.log ?? []) say(`    ${printable(line)}`);
    },
    end: () => clearInterval(timer),
  };
}

const silent: readonly JobState[] = ['queued', 'waiting'];

function lineOf({ spec, event, secondsLeft }: Row): string {
  const { state, attempt, done, total, detail, message, host } = event;
  const parts = [
    state + (attempt !== undefined && attempt > 1 ? ` (attempt ${attempt})` : ''),
    progressText(done, total),
    detail,
    message,
    host === undefined ? '' : `on ${host}`,
    secondsLeft === undefined || done === undefined ? '' : `about ${duration(secondsLeft)} left`,
  ];
  return `${printable(spec.label)}: ${printable(parts.filter(Boolean).join(', '))}`;
}
