import type { Section } from './report/section.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Config = { readonly [key: string]: Json };

/** What a job takes of the machine it runs on. */
export interface Resources {
  /** Processor cores that it keeps busy; default 1. */
  readonly cores?: number;
  /** Memory at its peak; default 1. */
  readonly memoryGiB?: number;
  /** What the machine must have besides, as `bench worker --tags` names it: `gpu`. */
  readonly tags?: readonly string[];
  /** It measures time: it runs alone, and its result is this machine's only. */
  readonly timing?: boolean;
}

/** What a job is expected to take; the runner corrects it by what finished jobs took. */
export interface Estimate {
  /** On one core of a machine of 2025. */
  readonly seconds: number;
  /** Of the files that it leaves. */
  readonly bytes: number;
}

/** What is written down while a task runs, one line a step, in `metrics.jsonl` beside its other files. */
export interface Metrics {
  /** Forgets what was written after this step: called on resuming from a checkpoint. An attempt that does not call it begins anew. */
  resumeAt(step: number): void;
  add(step: number, values: Readonly<Record<string, number>>): void;
}

export interface TaskContext<C extends Config = Config> {
  readonly config: C;
  readonly seed: number;
  /** The finished jobs that this one needs, under the names that its description gave them. */
  readonly needs: Readonly<Record<string, Finished>>;
  /** A folder that outlives a killed attempt: checkpoints go here. Empty at the first attempt, removed after the last. */
  readonly scratch: string;
  /** A folder whose files are kept with the result. */
  readonly files: string;
  readonly metrics: Metrics;
  /** Aborted by Ctrl-C: save a checkpoint, then throw the signal's reason. */
  readonly signal: AbortSignal;
  /** Also the sign of life: a job that is silent for long is shown as stalled. */
  progress(done: number, total: number, detail?: string): void;
}

/**
 * A kind of work. Its result must be a function of configuration, seed, data and the results it needs (unless it measures time), since
 * whoever asks for the same again is given the stored one.
 */
export interface Task<C extends Config = Config, R extends Json = Json> {
  readonly name: string;
  /** `import.meta.url` of the file that exports the task. That file and all it imports are the job's code version. */
  readonly module: string;
  /** URLs of further files that the task runs without importing them. */
  readonly programs?: readonly string[];
  readonly resources?: Resources;
  estimate?(config: C): Estimate;
  run(context: TaskContext<C>): Promise<R>;
}

/** One run of a task. Two jobs that differ in label or experiment only are the same job, and run once. */
export interface Job<C extends Config = Config, R extends Json = Json> {
  readonly task: Task<C, R>;
  /** How people call it. */
  readonly label: string;
  readonly config: C;
  readonly seed: number;
  /** Names of the data it reads, as `data.ts` knows them. */
  readonly data: readonly string[];
  readonly needs: Readonly<Record<string, AnyJob>>;
  readonly resources: Resources;
}

// biome-ignore lint/suspicious/noExplicitAny: a list of jobs holds tasks of any configuration and result.
export type AnyJob = Job<any, any>;

/** A job's stored result. */
export interface Finished<C extends Config = Config, R extends Json = Json> {
  readonly id: string;
  readonly task: string;
  readonly label: string;
  readonly config: C;
  readonly seed: number;
  readonly result: R;
  readonly files: readonly StoredFile[];
  /** Where and how it came about; not part of what is compared. */
  readonly run: RunRecord;
  /** The path of one of its files. */
  file(name: string): string;
}

export interface StoredFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface RunRecord {
  /** ISO 8601. */
  readonly finished: string;
  /** Of all attempts together. */
  readonly seconds: number;
  readonly attempts: number;
  readonly machine: Machine;
  /** Packages and programs with their versions. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface Machine {
  readonly host: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
}

/** What an experiment can be asked to vary, flat, so that `--set name=value` can change it. */
export type Settings = {
  readonly [name: string]: number | string | boolean | readonly (number | string)[];
};

interface Preset<S extends Settings> {
  readonly about: string;
  readonly settings: S;
}

/** What a report is made from; jobs that are missing or failed are simply not there, and the report says so by itself. */
export interface Outcome<S extends Settings = Settings> {
  readonly settings: S;
  /** The finished jobs of a task, in the order of the plan. */
  of<C extends Config, R extends Json>(task: Task<C, R>): readonly Finished<C, R>[];
}

/** A description: what to run in which sizes, and what tables and figures its results make. */
export interface Experiment<S extends Settings = Settings> {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly presets: {
    /** A few minutes on two cores. */
    readonly smoke: Preset<S>;
    /** Hours: what conclusions are drawn from. */
    readonly study: Preset<S>;
    /** The paper's own grid. */
    readonly full: Preset<S>;
  };
  /** Needed jobs need not be listed. */
  jobs(settings: S): readonly AnyJob[];
  report(outcome: Outcome<S>): readonly Section[] | Promise<readonly Section[]>;
}

export type PresetName = keyof Experiment['presets'];

export const defineTask = <C extends Config, R extends Json>(task: Task<C, R>): Task<C, R> => task;

export const defineExperiment = <S extends Settings>(experiment: Experiment<S>): Experiment<S> => experiment;

/** A run of a task with a configuration. */
export function job<C extends Config, R extends Json>(
  task: Task<C, R>,
  description: Pick<Job<C, R>, 'label' | 'config'> &
    Partial<Pick<Job<C, R>, 'seed' | 'data' | 'needs' | 'resources'>>,
): Job<C, R> {
  return { seed: 0, data: [], needs: {}, resources: task.resources ?? {}, ...description, task };
}
