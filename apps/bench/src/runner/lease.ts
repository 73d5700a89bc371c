import { mkdir, open, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** How often a holder shows that it lives, and for how long it is believed. Machines that share a folder need clocks this close. */
const heartbeatMs = 5_000;
const believedMs = 30_000;

export interface Holder {
  readonly host: string;
  readonly pid: number;
}

/** The right to work in a folder, held by one process of all machines that share it. */
export interface Lease {
  /** Aborted when another process has taken over, since this one had not been heard of. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

const prefix = 'lease-';
const fileName = (generation: number) => `${prefix}${String(generation).padStart(6, '0')}.json`;

/**
 * Takes the lease of a folder, or says who has it. The holder is whoever made the file with the highest number, which only one process
 * can make.
 */
export async function takeLease(folder: string): Promise<Lease | Holder> {
  await mkdir(folder, { recursive: true });
  for (;;) {
    const latest = await latestGeneration(folder);
    const holder = latest === 0 ? undefined : await liveHolder(join(folder, fileName(latest)));
    if (holder !== undefined) return holder;
    const lease = await claim(folder, latest + 1);
    if (lease !== undefined) return lease;
  }
}

/** Who works in a folder right now. */
export async function leaseHolder(folder: string): Promise<Holder | undefined> {
  const latest = await latestGeneration(folder);
  return latest === 0 ? undefined : liveHolder(join(folder, fileName(latest)));
}

async function generations(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number.parseInt(name.slice(prefix.length), 10));
}

const latestGeneration = async (folder: string) => Math.max(0, ...(await generations(folder)));

async function liveHolder(file: string): Promise<Holder | undefined> {
  try {
    const [{ mtimeMs }, text] = [await stat(file), await readFile(file, 'utf8')];
    const heard = Date.now() - mtimeMs < believedMs;
    // Made and not yet written.
    if (text === '') return heard ? { host: 'unknown', pid: 0 } : undefined;
    const holder = JSON.parse(text) as Holder;
    const gone = holder.host === hostname() && !isRunning(holder.pid);
    return heard && !gone ? holder : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function claim(folder: string, generation: number): Promise<Lease | undefined> {
  const file = join(folder, fileName(generation));
  const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  const holder: Holder = { host: hostname(), pid: process.pid };
  await handle.writeFile(JSON.stringify(holder));
  await handle.close();
  for (const older of await generations(folder)) {
    if (older < generation) await rm(join(folder, fileName(older)), { force: true });
  }
  const lost = new AbortController();
  const beat = setInterval(async () => {
    const now = new Date();
    const current = await latestGeneration(folder);
    if (current > generation) lost.abort();
    else await utimes(file, now, now).catch(() => lost.abort());
  }, heartbeatMs);
  beat.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(beat);
      await rm(file, { force: true });
    },
  };
}
