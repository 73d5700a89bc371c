import { join } from 'node:path';
import { type CorruptionName, corruptionNames } from '@proj/corruptions';
import { Command, InvalidArgumentError } from 'commander';
import { exportDemo } from '../demo/export.ts';
import { demoSummary } from '../demo/summary.ts';
import { BenchError } from '../error.ts';
import { Board } from '../runner/board.ts';
import { correctedEstimates } from '../runner/estimate.ts';
import type { RunEvent } from '../runner/events.ts';
import { localCapacity, runLocally } from '../runner/local.ts';
import { planFor } from '../runner/open.ts';
import { type Plan, runName } from '../runner/plan.ts';
import { Store } from '../runner/store.ts';
import { interruption } from './interruption.ts';
import { liveView } from './live.ts';
import { jobsOption, jsonOption } from './options.ts';

interface Options {
  readonly corruption: readonly CorruptionName[];
  readonly seed: number;
  readonly out: string;
  readonly jobs: number;
  readonly json?: boolean;
}

export const demoCommand = (): Command =>
  new Command('demo')
    .description(
      'train a small model on digits, patch robustness into it, take it out again, quantize it to two bits, write a report',
    )
    .option(
      '-c, --corruption <names>',
      `comma-separated, of: ${corruptionNames.join(', ')}`,
      parseCorruptions,
      ['fog' as const, 'impulse_noise' as const],
    )
    .option('-s, --seed <number>', 'seed of every random draw', parseSeed, 0)
    .option('-o, --out <folder>', 'where models, signatures and the report go', 'demo-results')
    .addOption(jobsOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  npm run demo\n  npm run demo -- --corruption contrast,brightness --seed 7',
    )
    .action(async ({ corruption, seed, out, jobs, json }: Options) => {
      const began = performance.now();
      const corruptions = corruption.join(',');
      const plan = await planFor('demo', 'smoke', { corruptions, seeds: String(seed) });
      const store = new Store(join(out, 'store'));
      await perform(plan, store, jobs);
      const results = await exportDemo(plan, store, out, {
        command: `npm run demo -- --corruption ${corruptions} --seed ${seed}`,
        seconds: (performance.now() - began) / 1000,
      });
      process.stdout.write(
        json === true ? `${JSON.stringify(results, null, 2)}\n` : demoSummary(results, out),
      );
      if (!results.removal.equal) throw new Error('removal did not restore the standard model');
    });

/** @throws {BenchError} BENCH_STOPPED, BENCH_JOBS_FAILED. */
async function perform(plan: Plan, store: Store, jobs: number): Promise<void> {
  await store.saveRun(runName(plan), plan);
  const signal = interruption();
  const view = liveView(
    new Board(plan, await correctedEstimates(plan, store), localCapacity(jobs)),
    process.stderr,
  );
  const failed: RunEvent[] = [];
  let done = 0;
  try {
    for await (const event of runLocally(plan, store, { jobs, retries: 2, backoffSeconds: 5, signal })) {
      view.take(event);
      if (event.state === 'failed') failed.push(event);
      if (event.state === 'done') done++;
    }
  } finally {
    view.end();
  }
  if (failed.length > 0) {
    const lines = failed.map(({ id, message }) => `  ${labelOf(plan, id)}: ${message}`);
    throw new BenchError('BENCH_JOBS_FAILED', `the demo failed:\n${lines.join('\n')}`);
  }
  if (done < plan.jobs.length)
    throw new BenchError('BENCH_STOPPED', 'stopped; the same command goes on from here');
}

const labelOf = (plan: Plan, id: string) => plan.jobs.find((job) => job.id === id)!.label;

function parseCorruptions(text: string): CorruptionName[] {
  return [...new Set(text.split(','))].map((name) => {
    const known = corruptionNames.find((other) => other === name);
    if (known === undefined)
      throw new InvalidArgumentError(
        `there is no corruption "${name}" yet; choose from ${corruptionNames.join(', ')}.`,
      );
    return known;
  });
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed)) throw new InvalidArgumentError('it must be an integer.');
  return seed;
}
