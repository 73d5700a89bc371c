import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { writeFileAtomic } from '@proj/tensor-io/node';
import { BenchError } from '../error.ts';
import type { Estimate, Finished, Json, RunRecord, StoredFile } from '../experiment.ts';
import { canonicalJson } from './identity.ts';
import type { Plan } from './plan.ts';
import type { JobIdentity, JobSpec } from './spec.ts';

/** What a finished job leaves in `result.json`: the same bytes whenever and wherever it runs, unless it measures time. */
interface StoredResult {
  readonly schema: 'proj.bench.result/1';
  readonly id: string;
  readonly identity: JobIdentity;
  readonly result: Json;
  readonly files: readonly StoredFile[];
}

/** Why a job was given up. */
export interface Failure {
  readonly schema: 'proj.bench.failure/1';
  readonly attempts: number;
  /** Of the last attempt. */
  readonly message: string;
  /** Its last lines of output. */
  readonly log: readonly string[];
}

/** What a finished job took, and what it had been expected to take. */
export interface JobWork extends Estimate {
  readonly task: string;
  readonly estimate: Estimate;
}

/** How far a running job is, for whoever looks at the store meanwhile. */
export interface JobProgress {
  readonly done: number;
  readonly total: number;
  readonly detail: string;
  /** Of this attempt. */
  readonly seconds: number;
  /** Milliseconds since 1970 of the last sign of life. */
  readonly heard: number;
  readonly attempt: number;
}

/**
 * Results and files of jobs, each in a folder called by the job's id:
 *
 *     jobs/ID/job.json       what it is
 *     jobs/ID/scratch/       its checkpoints; gone when it is done
 *     jobs/ID/log.txt        what it printed
 *     jobs/ID/clock.txt      attempts, and the seconds they took
 *     jobs/ID/lease-N.json   who works on it: see lease.ts
 *     jobs/ID/progress.json  how far it is
 *     jobs/ID/failure.json   why it was given up
 *     jobs/ID/files/         what it made
 *     jobs/ID/run.json       where and how long it ran
 *     jobs/ID/result.json    its result, written last: a job that has it is done
 *     runs/NAME.json         the plans that were run
 *     reports/NAME/          their reports
 */
export class Store {
  readonly root: string;
  /** What is done does not change, and is asked for more than once. */
  readonly #work = new Map<string, JobWork>();

  constructor(root: string) {
    this.root = resolve(root);
  }

  folder(id: string): string {
    return join(this.root, 'jobs', id);
  }

  scratch(id: string): string {
    return join(this.folder(id), 'scratch');
  }

  log(id: string): string {
    return join(this.folder(id), 'log.txt');
  }

  clock(id: string): string {
    return join(this.folder(id), 'clock.txt');
  }

  report(run: string): string {
    return join(this.root, 'reports', run);
  }

  /** Whether the job is done, without reading its result. */
  has(id: string): boolean {
    return existsSync(join(this.folder(id), 'result.json'));
  }

  async describe(spec: JobSpec): Promise<void> {
    const file = join(this.folder(spec.id), 'job.json');
    if (existsSync(file)) return;
    await mkdir(this.folder(spec.id), { recursive: true });
    await writeJson(file, spec);
  }

  async finished(id: string): Promise<Finished | undefined> {
    const folder = this.folder(id);
    const stored = await readJson<StoredResult>(join(folder, 'result.json'));
    if (stored === undefined) return undefined;
    const [spec, run] = [
      await readJson<JobSpec>(join(folder, 'job.json')),
      await readJson<RunRecord>(join(folder, 'run.json')),
    ];
    if (spec === undefined || run === undefined) {
      throw new BenchError(
        'BENCH_STORE_INVALID',
        `${folder} has a result.json but no job.json or run.json; remove the folder and run the experiment again.`,
      );
    }
    const { task, config, seed } = stored.identity;
    return {
      id,
      task,
      label: spec.label,
      config,
      seed,
      result: stored.result,
      files: stored.files,
      run,
      file(name) {
        const known = stored.files.find((file) => file.name === name);
        if (known === undefined) {
          throw new BenchError(
            'BENCH_UNKNOWN',
            `job ${id} (${spec.label}) left no file "${name}", only ${stored.files.map((file) => file.name).join(', ') || 'none'}.`,
          );
        }
        return join(folder, 'files', name);
      },
    };
  }

  /** Keeps the files of `made` (a folder in the job's own) and the result; after this the job is done. */
  async complete(spec: JobSpec, made: string, result: Json, run: RunRecord): Promise<void> {
    const folder = this.folder(spec.id);
    // Another process may have been quicker with the same bytes.
    if (this.has(spec.id)) return;
    const files = join(folder, 'files');
    await rm(files, { recursive: true, force: true });
    await rename(made, files);
    const stored: StoredResult = {
      schema: 'proj.bench.result/1',
      id: spec.id,
      identity: spec.identity,
      result,
      files: await flushedFiles(files),
    };
    await writeJson(join(folder, 'run.json'), run);
    await writeFileAtomic(join(folder, 'result.json'), Buffer.from(`${canonicalJson(stored)}\n`));
  }

  /** Removes what a job that is done leaves behind besides its result; for whoever holds its lease. */
  async tidy(id: string): Promise<void> {
    for (const name of ['scratch', 'making', 'clock.txt', 'failure.json', 'progress.json'])
      await rm(join(this.folder(id), name), { recursive: true, force: true });
  }

  /** What the finished jobs of this store took. */
  async work(): Promise<JobWork[]> {
    const ids = await readdir(join(this.root, 'jobs')).catch(() => [] as string[]);
    const all: JobWork[] = [];
    for (const id of ids.filter((id) => this.has(id))) {
      const known = this.#work.get(id);
      if (known !== undefined) {
        all.push(known);
        continue;
      }
      // A damaged result is told of by whoever needs it.
      const finished = await this.finished(id).catch(() => undefined);
      if (finished === undefined) continue;
      const spec = await readJson<JobSpec>(join(this.folder(id), 'job.json'));
      const { task, files, run } = finished;
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      const work = { task, estimate: spec!.estimate, seconds: run.seconds, bytes };
      this.#work.set(id, work);
      all.push(work);
    }
    return all;
  }

  failure(id: string): Promise<Failure | undefined> {
    return readJson<Failure>(join(this.folder(id), 'failure.json'));
  }

  async fail(id: string, failure: Failure): Promise<void> {
    await writeJson(join(this.folder(id), 'failure.json'), failure);
  }

  /** Lets a job that was given up be tried again. */
  async forgive(id: string): Promise<void> {
    await rm(join(this.folder(id), 'failure.json'), { force: true });
  }

  /** Written without waiting for the disk, a power cut can leave nothing of it; then nobody knows how far the job is. */
  progress(id: string): Promise<JobProgress | undefined> {
    return readJson<JobProgress>(join(this.folder(id), 'progress.json')).catch(() => undefined);
  }

  async setProgress(id: string, progress: JobProgress): Promise<void> {
    const file = join(this.folder(id), 'progress.json');
    // Every second, so without waiting for the disk.
    await writeFile(`${file}.tmp`, JSON.stringify(progress));
    await rename(`${file}.tmp`, file);
  }

  async clearProgress(id: string): Promise<void> {
    await rm(join(this.folder(id), 'progress.json'), { force: true });
  }

  async saveRun(name: string, plan: Plan): Promise<void> {
    await mkdir(join(this.root, 'runs'), { recursive: true });
    await writeJson(join(this.root, 'runs', `${name}.json`), plan);
  }

  run(name: string): Promise<Plan | undefined> {
    return readJson<Plan>(join(this.root, 'runs', `${name}.json`));
  }

  /** Names of the plans that were run here. */
  async runs(): Promise<string[]> {
    const names = await readdir(join(this.root, 'runs')).catch(() => [] as string[]);
    return names
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort();
  }
}

/** The files below a folder, safe from a power cut. */
async function flushedFiles(folder: string): Promise<StoredFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: StoredFile[] = [];
  for (const entry of entries.filter((entry) => entry.isFile())) {
    const path = join(entry.parentPath, entry.name);
    files.push({ name: relative(folder, path).split(sep).join('/'), ...(await flushed(path)) });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function flushed(path: string): Promise<Omit<StoredFile, 'name'>> {
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      hash.update(chunk as Uint8Array);
      bytes += (chunk as Uint8Array).length;
    }
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new BenchError(
      'BENCH_STORE_INVALID',
      `${path} is not JSON; remove it and run the experiment again.`,
    );
  }
}

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFileAtomic(path, Buffer.from(`${JSON.stringify(value, null, 2)}\n`));
