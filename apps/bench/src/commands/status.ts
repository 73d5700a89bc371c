import Table from 'cli-table3';
import { Command } from 'commander';
import type { JobState, RunEvent } from '../runner/events.ts';
import { type Plan, runName } from '../runner/plan.ts';
import { recordedOrNew, recordedPlans } from '../runner/recorded.ts';
import { storedStates } from '../runner/states.ts';
import { Store } from '../runner/store.ts';
import { counted, printable } from './format.ts';
import {
  jsonOption,
  type PlanOptions,
  presetOption,
  queueOption,
  setOption,
  storeOption,
} from './options.ts';

const examples = `
Examples:
  npm run bench -- status                                    # everything that was run with this store
  npm run bench -- status rws-smoke --preset study
  npm run bench -- status rws-smoke --queue redis://host:6379 --store /shared/results --json`;

interface Options extends PlanOptions {
  readonly queue?: string;
  readonly json?: boolean;
}

export const statusCommand = (): Command =>
  new Command('status')
    .description('show how far runs are, from any terminal that sees the store')
    .argument('[experiment]', 'its name, or the path of its module; without it, everything that was run')
    .addOption(presetOption())
    .addOption(setOption())
    .addOption(storeOption())
    .addOption(queueOption())
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action(async (name: string | undefined, options: Options) => {
      const store = new Store(options.store);
      const plans =
        name === undefined
          ? await recordedPlans(store)
          : [await recordedOrNew(store, name, options.preset, options.set)];
      const runs = [];
      for (const plan of plans) runs.push({ plan, ...(await stateOf(plan, store, options.queue)) });
      if (options.json === true) {
        const shown = runs.map(({ plan, jobs, workers }) => ({
          run: runName(plan),
          jobs: plan.jobs.map(({ id, label }) => ({ label, ...jobs.find((job) => job.id === id)! })),
          ...(workers !== undefined && { workers }),
        }));
        process.stdout.write(`${JSON.stringify({ schema: 'proj.bench.status/1', runs: shown }, null, 2)}\n`);
        return;
      }
      if (runs.length === 0) process.stderr.write(`nothing was run with the store ${store.root} yet\n`);
      for (const { plan, jobs, workers } of runs) {
        process.stdout.write(`${runName(plan)}: ${countsText(jobs)}\n`);
        if (workers !== undefined) process.stdout.write(`${counted(workers.length, 'worker')}\n`);
        const seen = name === undefined ? jobs.filter(({ state }) => !quiet.includes(state)) : jobs;
        if (seen.length > 0) process.stdout.write(`${statesTable(plan, seen)}\n`);
      }
    });

/** Not shown job by job in an overview. */
const quiet: readonly JobState[] = ['done', 'queued', 'waiting', 'blocked'];

async function stateOf(plan: Plan, store: Store, queue: string | undefined) {
  if (queue === undefined) return { jobs: await storedStates(plan, store), workers: undefined };
  const { statusOfQueue } = await import('../queue/status.ts');
  return statusOfQueue(queue, plan, store);
}

function countsText(jobs: readonly RunEvent[]): string {
  const counts = new Map<JobState, number>();
  for (const { state } of jobs) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, n]) => `${n} ${state}`).join(', ');
}

/** A line for each of these jobs. */
export function statesTable(plan: Plan, events: readonly RunEvent[]): string {
  const specs = new Map(plan.jobs.map((spec) => [spec.id, spec]));
  const table = new Table({ head: ['id', 'job', 'state', 'progress', ''], style: { head: [], border: [] } });
  for (const { id, state, done, total, detail, message, host, log = [] } of events) {
    const progress = done === undefined ? '' : `${done}/${total}`;
    const about = [host, message ?? detail, ...log.slice(-3)].filter(Boolean).map((text) => printable(text!));
    table.push([id, printable(specs.get(id)!.label), state, progress, about.join('\n')]);
  }
  return table.toString();
}
