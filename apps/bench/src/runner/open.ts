import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, extname, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BenchError } from '../error.ts';
import type { Experiment, PresetName } from '../experiment.ts';
import { thereAre } from './nearest.ts';
import { makePlan, type Plan } from './plan.ts';
import { type Overrides, overridden } from './settings.ts';
import { modulePath, moduleUrl } from './spec.ts';

export const presetNames = ['smoke', 'study', 'full'] as const satisfies readonly PresetName[];

const folder = new URL('../experiments/', import.meta.url);

export interface OpenedExperiment {
  readonly experiment: Experiment;
  /** URL of the module that describes it. */
  readonly module: string;
}

/** Names of the experiments of this app. */
export async function listExperiments(): Promise<string[]> {
  const files = await readdir(folder).catch(() => [] as string[]);
  return files
    .filter((file) => file.endsWith('.js'))
    .map((file) => basename(file, '.js'))
    .sort();
}

/**
 * An experiment of this app by its name, or any by the path of its module.
 *
 * @throws {BenchError} BENCH_UNKNOWN, BENCH_EXPERIMENT_INVALID.
 */
export async function openExperiment(nameOrPath: string): Promise<OpenedExperiment> {
  const isPath = /[/\\]|\.[cm]?[jt]s$/.test(nameOrPath);
  if (isPath && !existsSync(nameOrPath))
    throw new BenchError('BENCH_UNKNOWN', `there is no file ${nameOrPath}.`);
  if (!isPath) {
    const names = await listExperiments();
    if (!names.includes(nameOrPath))
      throw new BenchError(
        'BENCH_UNKNOWN',
        `there is no experiment "${nameOrPath}"; ${thereAre(nameOrPath, names)}.`,
      );
  }
  const module = isPath ? pathToFileURL(resolve(nameOrPath)) : new URL(`${nameOrPath}.js`, folder);
  return { experiment: await loadExperiment(module.href), module: module.href };
}

/** The experiment that a plan was made of. */
export const experimentOf = async (plan: Pick<Plan, 'module'>): Promise<Experiment> =>
  loadExperiment(moduleUrl(plan.module));

/** What a preset comes to, with some settings replaced as `--set` takes them. */
export async function planFor(
  nameOrPath: string,
  preset: PresetName,
  overrides: Overrides = {},
): Promise<Plan> {
  const { experiment, module } = await openExperiment(nameOrPath);
  const { settings } = experiment.presets[preset];
  return makePlan(experiment, module, preset, overridden(settings, overrides), overrides);
}

/** What people type to name the experiment of a plan. */
export function experimentArgument({ module }: Pick<Plan, 'module'>): string {
  const own = /^bench:experiments\/(.+)\.js$/.exec(module)?.[1];
  if (own !== undefined) return own;
  const path = relative('.', modulePath(module));
  return /[/\\]/.test(path) ? path : `./${path}`;
}

async function loadExperiment(url: string): Promise<Experiment> {
  const path = fileURLToPath(url);
  let module: { default?: unknown };
  try {
    module = (await import(url)) as { default?: unknown };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    throw new BenchError(
      'BENCH_EXPERIMENT_INVALID',
      `Node ${process.versions.node} cannot import ${path}; compile it to JavaScript first, or use Node 22.18 or later.`,
    );
  }
  const experiment = module.default;
  if (!isExperiment(experiment))
    throw new BenchError(
      'BENCH_EXPERIMENT_INVALID',
      `${path} has no default export made with defineExperiment.`,
    );
  const name = basename(path, extname(path));
  // Stored runs and reports are called by it.
  if (experiment.name !== name || !/^[a-z0-9][a-z0-9._-]*$/i.test(name))
    throw new BenchError(
      'BENCH_EXPERIMENT_INVALID',
      `${path} describes an experiment called "${experiment.name}"; an experiment has its file's name, of letters, digits, dots and dashes.`,
    );
  return experiment;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const isExperiment = (value: unknown): value is Experiment =>
  isObject(value) &&
  typeof value['name'] === 'string' &&
  typeof value['jobs'] === 'function' &&
  typeof value['report'] === 'function' &&
  isObject(value['presets']) &&
  presetNames.every((preset) => isObject((value['presets'] as Record<string, unknown>)[preset]));
