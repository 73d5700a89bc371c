import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { BenchError } from '../error.ts';
import { shownUrl } from '../queue/url.ts';
import { machine, machineFingerprint } from '../runner/machine.ts';
import { Store } from '../runner/store.ts';
import { counted } from './format.ts';
import { interruption } from './interruption.ts';
import { jobsOption, jsonOption, numberOption, storeOption } from './options.ts';

interface Options {
  readonly queue: string;
  readonly store: string;
  readonly jobs: number;
  readonly memory: number;
  readonly tags: readonly string[];
  readonly lock: number;
  readonly json?: boolean;
}

/** What `--json` prints when the worker ends. */
interface WorkerReport {
  readonly schema: 'proj.bench.worker/1';
  readonly host: string;
  /** Ids of jobs. */
  readonly done: string[];
  readonly failed: string[];
  /** Given back with their checkpoints. */
  readonly returned: string[];
}

export function workerCommand(): Command {
  return new Command('worker')
    .description('run jobs of a queue on this machine until Ctrl-C')
    .requiredOption('--queue <url>', 'the Redis queue, e.g. redis://host:6379')
    .addOption(storeOption())
    .addOption(jobsOption())
    .option('--memory <GiB>', 'memory for jobs', numberOption(0.1), machine().memoryGiB)
    .option('--tags <names>', 'what this machine has, comma-separated: gpu,big', tagsOf, [])
    .addOption(
      new Option(
        '--lock <seconds>',
        'silent for so long, it is taken for dead and its jobs are given to others',
      )
        .argParser(numberOption(1))
        .default(30),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The store is a folder that all workers and whoever runs the experiment share. Ctrl-C lets jobs save a checkpoint and gives them back.

Examples:
  npm run bench -- worker --queue redis://host:6379 --store /shared/results
  npm run bench -- worker --queue redis://host:6379 --store /shared/results --jobs 4 --memory 16
  npm run bench -- worker --queue redis://host:6379 --store /shared/results --tags gpu`,
    )
    .action(serve);
}

const tagsOf = (text: string): string[] =>
  text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');

async function serve({ queue, store, jobs, memory, tags, lock, json }: Options): Promise<void> {
  const host = hostname();
  const report: WorkerReport = { schema: 'proj.bench.worker/1', host, done: [], failed: [], returned: [] };
  const { work } = await import('../queue/worker.ts');
  say(
    `worker on ${host}: ${counted(jobs, 'core')}, ${memory} GiB${tags.map((tag) => `, ${tag}`).join('')}; ${shownUrl(queue)}`,
  );
  await work(new Store(store), {
    url: queue,
    worker: { host, pid: process.pid, cores: jobs, memoryGiB: memory, tags, machine: machineFingerprint() },
    lockMs: 1000 * lock,
    signal: interruption(),
    tell(event) {
      if (event.kind === 'lost') return say('connection to the queue lost; what runs goes on, trying again');
      if (event.kind === 'back') return say('connection to the queue is back');
      if (event.kind === 'refused') return say(`the queue refuses, trying again: ${event.message}`);
      const { spec, state, message } = event;
      if (state === 'done') report.done.push(spec.id);
      if (state === 'failed') report.failed.push(spec.id);
      if (state === 'stopped') report.returned.push(spec.id);
      say(`${spec.id} ${spec.label}: ${words[state] ?? state}${message === undefined ? '' : `: ${message}`}`);
    },
  });
  if (json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  throw new BenchError('BENCH_STOPPED', 'stopped; what ran here was given back to the queue.');
}

const words: Readonly<Record<string, string>> = {
  stopped: 'given back',
  waiting: 'put off',
  retrying: 'failed, will be tried again',
};

const say = (text: string): void => {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
};
