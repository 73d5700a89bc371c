import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plan } from './plan.ts';
import { Store } from './store.ts';

/** Larger files are not kept with the code: checkpoints, and the weights of large models. */
const largestKept = 1_000_000;

/** Where the results of an experiment's jobs are kept with the code, as in a store. */
export const recordOf = ({ experiment }: Pick<Plan, 'experiment'>): Store =>
  new Store(fileURLToPath(new URL(`../../../../docs/results/${experiment}`, import.meta.url)));

/**
 * Takes over what is recorded of a plan's jobs, so that nobody runs it again. What was too large to be kept is not there; a job of which
 * another needs such a file is left to be run again, and so is one in the store that was taken over without it before.
 *
 * @returns how many were taken over
 */
export async function adopt({ jobs }: Plan, store: Store, record: Store): Promise<number> {
  const needed = new Set<string>();
  let adopted = 0;
  for (const { id, identity } of jobs.toReversed()) {
    const isNeeded = needed.has(id);
    const isDone = async (at: Store) => at.has(id) && (!isNeeded || (await isWhole(at, id)));
    if (await isDone(store)) continue;
    if (await isDone(record)) {
      await copyJob(record, store, id);
      adopted++;
      continue;
    }
    // Its checkpoints and log, where it has any, stay.
    if (store.has(id)) await rm(join(store.folder(id), 'result.json'));
    for (const need of Object.values(identity.needs)) needed.add(need);
  }
  return adopted;
}

/** Keeps a finished job with the code. */
export async function keep(store: Store, record: Store, id: string): Promise<void> {
  if (!record.has(id)) await copyJob(store, record, id, largestKept);
}

const isWhole = async (store: Store, id: string): Promise<boolean> => {
  const finished = await store.finished(id);
  return finished?.files.every(({ name }) => existsSync(finished.file(name))) === true;
};

/** Without its log. The result comes last: a job that has it is done. */
async function copyJob(
  from: Store,
  to: Store,
  id: string,
  largest = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { files } = (await from.finished(id))!;
  const names = files.filter(({ bytes }) => bytes <= largest).map(({ name }) => `files/${name}`);
  for (const name of [...names, 'job.json', 'run.json', 'result.json']) {
    const [source, target] = [from, to].map((store) => join(store.folder(id), name)) as [string, string];
    if (!existsSync(source)) continue;
    await mkdir(dirname(target), { recursive: true });
    await copyFile(source, `${target}.tmp`);
    await rename(`${target}.tmp`, target);
  }
}
