import { dataFingerprint } from '../data.ts';
import { BenchError } from '../error.ts';
import type { AnyJob, Experiment, PresetName, Settings } from '../experiment.ts';
import { canonicalJson, codeVersion, sha256Of } from './identity.ts';
import { machineFingerprint } from './machine.ts';
import { notJson } from './not-json.ts';
import type { Overrides } from './settings.ts';
import { type JobIdentity, type JobSpec, portableModule } from './spec.ts';

/** What an experiment with these settings comes to, in an order in which every job stands behind those it needs. */
export interface Plan {
  readonly schema: 'proj.bench.plan/1';
  readonly experiment: string;
  /** The module that describes it, as `JobSpec.module`. */
  readonly module: string;
  readonly preset: PresetName;
  readonly settings: Settings;
  /** What was set other than the preset has it, as `--set` takes it. */
  readonly overrides: Overrides;
  readonly jobs: readonly JobSpec[];
}

/** @throws {BenchError} BENCH_EXPERIMENT_INVALID, BENCH_DATA_MISSING. */
export async function makePlan(
  experiment: Experiment,
  module: string,
  preset: PresetName,
  settings: Settings,
  overrides: Overrides = {},
): Promise<Plan> {
  const specs = new Map<string, JobSpec>();
  const done = new Map<AnyJob, JobSpec>();
  const underWay = new Set<AnyJob>();
  const add = async (job: AnyJob): Promise<JobSpec> => {
    const known = done.get(job);
    if (known !== undefined) return known;
    if (underWay.has(job)) invalid(experiment, `"${job.label}" needs itself`);
    underWay.add(job);
    const needs: [string, string][] = [];
    for (const [name, need] of Object.entries(job.needs)) needs.push([name, (await add(need)).id]);
    const spec = await specOf(experiment, job, Object.fromEntries(needs));
    // The label of whoever comes first stays.
    if (!specs.has(spec.id)) specs.set(spec.id, spec);
    done.set(job, spec);
    return spec;
  };
  for (const job of experiment.jobs(settings)) await add(job);
  if (specs.size === 0) invalid(experiment, 'these settings make no job');
  return {
    schema: 'proj.bench.plan/1',
    experiment: experiment.name,
    module: portableModule(module),
    preset,
    settings,
    overrides,
    jobs: [...specs.values()],
  };
}

/** What a plan is called in the store: experiments, presets and overrides that differ have names that differ. */
export function runName({
  experiment,
  preset,
  settings,
  overrides,
}: Pick<Plan, 'experiment' | 'preset' | 'settings' | 'overrides'>): string {
  const own = Object.keys(overrides).length > 0;
  return `${experiment}-${preset}${own ? `-${sha256Of(canonicalJson(settings)).slice(0, 8)}` : ''}`;
}

async function specOf(
  experiment: Experiment,
  job: AnyJob,
  needs: Readonly<Record<string, string>>,
): Promise<JobSpec> {
  const { task, label, config, seed, resources } = job;
  const exported = Object.values((await import(task.module)) as Record<string, unknown>);
  const called = new Set(exported.filter((value) => isTask(value, task.name)));
  if (called.size > 1) invalid(experiment, `${task.module} exports two tasks called "${task.name}"`);
  if (called.size === 0)
    invalid(
      experiment,
      `${task.module} must export the task "${task.name}", so that another process finds it`,
    );
  const data: Record<string, string> = {};
  for (const name of job.data) data[name] = await dataFingerprint(name);
  const identity: JobIdentity = {
    task: task.name,
    config,
    seed,
    data,
    needs,
    code: codeVersion(task),
    ...(resources.timing === true && { machine: machineFingerprint() }),
  };
  if (!Number.isSafeInteger(seed))
    invalid(experiment, `the seed of "${label}" is ${seed}, not a whole number`);
  const fault = notJson(config);
  if (fault !== undefined) invalid(experiment, `the configuration of "${label}" is not JSON: ${fault}`);
  return {
    schema: 'proj.bench.job/1',
    id: sha256Of(canonicalJson(identity)).slice(0, 16),
    identity,
    label,
    module: portableModule(task.module),
    resources,
    estimate: task.estimate?.(config) ?? { seconds: 60, bytes: 0 },
  };
}

export const isTask = (value: unknown, name: string): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'run' in value &&
  typeof value.run === 'function' &&
  'name' in value &&
  value.name === name;

function invalid(experiment: Experiment, message: string): never {
  throw new BenchError('BENCH_EXPERIMENT_INVALID', `experiment "${experiment.name}": ${message}.`);
}
