import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { BenchError } from '../error.ts';
import { Board } from '../runner/board.ts';
import { correctedEstimates, estimatePlan } from '../runner/estimate.ts';
import type { ExecutionOptions, RunEvent } from '../runner/events.ts';
import { localCapacity, runLocally } from '../runner/local.ts';
import { experimentOf } from '../runner/open.ts';
import { type Plan, runName } from '../runner/plan.ts';
import { adopt, keep, recordOf } from '../runner/record.ts';
import type { Store } from '../runner/store.ts';
import { sweep } from '../runner/supervise.ts';
import { commandLine } from './command-line.ts';
import { counted } from './format.ts';
import { interruption } from './interruption.ts';
import { liveView } from './live.ts';
import { integerOption, jobsOption, jsonOption, numberOption, queueOption } from './options.ts';
import { planText } from './plan-text.ts';

export interface ExecuteOptions {
  readonly jobs: number;
  readonly retries: number;
  readonly backoff: number;
  readonly stallShown: number;
  readonly stallKilled: number;
  readonly out?: string;
  readonly record?: boolean;
  readonly queue?: string;
  readonly priority?: number;
  readonly json?: boolean;
}

/** What `run` and `retry` have in common. */
export const withExecution = (command: Command): Command =>
  command
    .addOption(jobsOption())
    .option('--retries <n>', 'attempts after the first', integerOption(0), 2)
    .option('--backoff <seconds>', 'pause before the first of them; it doubles', numberOption(0), 5)
    .option('--stall-shown <seconds>', 'a job silent for so long is shown as stalled', numberOption(0), 60)
    .option('--stall-killed <seconds>', 'a job silent for so long is killed', numberOption(0), 900)
    .option('--out <folder>', 'where the report goes; default: reports/ in the store')
    .option('--record', 'keep finished jobs in docs/results/NAME/jobs, which every run reads')
    .addOption(queueOption())
    .option('--priority <n>', 'with --queue: jobs with more come first', integerOption(-1000))
    .addOption(jsonOption());

/**
 * Shows a plan, runs it, and writes its report.
 *
 * @param again the arguments of the command that goes on after Ctrl-C.
 * @throws {BenchError} BENCH_JOBS_FAILED, BENCH_STOPPED.
 */
export async function execute(
  plan: Plan,
  store: Store,
  options: ExecuteOptions,
  again: readonly string[],
): Promise<void> {
  const run = runName(plan);
  const record = recordOf(plan);
  const adopted = await adopt(plan, store, record);
  const capacity = localCapacity(options.jobs);
  // What is damaged is told now, not after hours of work.
  for (const { id } of plan.jobs) {
    await store.finished(id);
    await sweep(store, id);
  }
  await store.saveRun(run, plan);
  const estimate = await estimatePlan(plan, store, capacity);
  process.stderr.write(`${planText(plan, estimate, options.jobs)}`);
  if (adopted > 0) process.stderr.write(`${counted(adopted, 'job')} taken over from ${record.root}\n`);
  const recorded = async (id: string) => {
    if (options.record === true && store.has(id)) await keep(store, record, id);
  };
  if (options.record === true) await record.saveRun(run, plan);
  for (const { id } of plan.jobs) await recorded(id);
  const signal = interruption();
  const stopping =
    options.queue === undefined
      ? 'stopping at the next checkpoints; Ctrl-C again ends at once'
      : 'no longer watching; the workers go on';
  const note = () => process.stderr.write(`${stopping}\n`);
  signal.addEventListener('abort', note);
  const ends = new Map<string, RunEvent>();
  const board = new Board(plan, await correctedEstimates(plan, store), capacity);
  const view = liveView(board, process.stderr);
  try {
    for await (const event of await executor(plan, store, options, signal)) {
      ends.set(event.id, event);
      view.take(event);
      if (event.state === 'done') await recorded(event.id);
    }
  } finally {
    view.end();
    signal.removeEventListener('abort', note);
  }
  const events = plan.jobs.map(({ id }) => ends.get(id)!);
  const unfinished = events.filter(({ state }) => state !== 'done');
  const stopped = signal.aborted && unfinished.length > 0;
  const report = stopped ? undefined : await reportOf(plan, store, options.out ?? store.report(run));
  if (options.json === true) {
    const jobs = plan.jobs.map(({ label }, i) => ({ label, ...events[i]! }));
    const document = {
      schema: 'proj.bench.run/1',
      run,
      store: store.root,
      stopped,
      report: report?.html,
      jobs,
    };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else if (report !== undefined) {
    process.stdout.write(`${report.text}\n`);
  }
  if (stopped) throw new BenchError('BENCH_STOPPED', `stopped; go on with:\n  ${commandLine(again)}`);
  process.stderr.write(`Report: ${report!.html} (${pathToFileURL(report!.html).href})\n`);
  if (unfinished.length > 0) throw failed(plan, unfinished, again);
}

/** What draws figures is loaded when there is something to draw. */
async function reportOf(plan: Plan, store: Store, folder: string) {
  const [{ writeReport }, { terminalText }] = [
    await import('../report/index.ts'),
    await import('../report/terminal.ts'),
  ];
  const { html, report } = await writeReport(plan, store, await experimentOf(plan), folder);
  return { html, text: terminalText(report) };
}

/** Redis and what speaks to it are loaded only where they are asked for. */
async function executor(
  plan: Plan,
  store: Store,
  { queue: url, priority, jobs, retries, backoff, stallShown, stallKilled }: ExecuteOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<RunEvent>> {
  const options: ExecutionOptions = { retries, backoffSeconds: backoff, signal };
  if (url === undefined)
    return runLocally(plan, store, {
      ...options,
      jobs,
      stallSeconds: { shown: stallShown, killed: stallKilled },
    });
  const { runOnQueue } = await import('../queue/run.ts');
  return runOnQueue(plan, store, { ...options, url, ...(priority !== undefined && { priority }) });
}

function failed(plan: Plan, unfinished: readonly RunEvent[], again: readonly string[]): BenchError {
  const labels = new Map(plan.jobs.map(({ id, label }) => [id, label]));
  const given = unfinished.filter(({ state }) => state === 'failed');
  const lines = given.flatMap(({ id, message, log = [] }) => [
    `  ${labels.get(id)} (${id}): ${message}`,
    ...log.map((line) => `    ${line}`),
  ]);
  const rest = unfinished.length - given.length;
  return new BenchError(
    'BENCH_JOBS_FAILED',
    [
      `${counted(given.length, 'job')} failed${rest > 0 ? `, ${rest} could not run because of that` : ''}:`,
      ...lines,
      `try again with:\n  ${commandLine(['retry', ...again.slice(1), '--failed'])}`,
    ].join('\n'),
  );
}
