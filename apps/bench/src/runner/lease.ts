import { readlinkSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface LeaseTimes {
  /** How often a holder shows that it lives. */
  readonly heartbeatMs: number;
  /** For how long it is believed. Clocks of machines that share a folder must be closer than this. */
  readonly believedMs: number;
}

const leaseTimes: LeaseTimes = { heartbeatMs: 5_000, believedMs: 30_000 };

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

/** What a lease file says. */
interface Claim extends Holder {
  /** The processes that `pid` counts in; containers on one host can have their own. */
  readonly processes: string;
}

const prefix = 'lease-';
const fileName = (generation: number) => `${prefix}${String(generation).padStart(6, '0')}.json`;

/**
 * Takes the lease of a folder, or says who has it. The holder is whoever made the file with the highest number, which only one process
 * can make; that file stays when the lease is released, so that the numbers only ever grow.
 */
export async function takeLease(folder: string, times = leaseTimes): Promise<Lease | Holder> {
  await mkdir(folder, { recursive: true });
  for (;;) {
    const latest = await latestGeneration(folder);
    const before = latest === 0 ? 'free' : await holderOf(join(folder, fileName(latest)), times);
    if (typeof before === 'object') return before;
    const lease = await claim(folder, latest + 1, times);
    if (lease === undefined) continue;
    // A dead holder's child ends by itself, and one that was only silent has to notice that it has lost the lease.
    if (before === 'dead') await sleep(times.heartbeatMs / 10);
    if (before === 'silent') await sleep(2 * times.heartbeatMs);
    return lease;
  }
}

/** Who works in a folder right now. */
export async function leaseHolder(folder: string, times = leaseTimes): Promise<Holder | undefined> {
  const latest = await latestGeneration(folder);
  const holder = latest === 0 ? 'free' : await holderOf(join(folder, fileName(latest)), times);
  return typeof holder === 'object' ? holder : undefined;
}

async function generations(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number.parseInt(name.slice(prefix.length), 10));
}

const latestGeneration = async (folder: string) => Math.max(0, ...(await generations(folder)));

/** The living holder; else whether it released the lease, ended without, or has not been heard of for too long. */
async function holderOf(
  file: string,
  { believedMs }: LeaseTimes,
): Promise<Holder | 'free' | 'dead' | 'silent'> {
  let mtimeMs: number;
  let text: string;
  try {
    [{ mtimeMs }, text] = [await stat(file), await readFile(file, 'utf8')];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'free';
    throw error;
  }
  if (mtimeMs === released.getTime()) return 'free';
  const heard = Date.now() - mtimeMs < believedMs;
  const claim = parsed(text);
  // Made and not yet written, or lost in a power cut.
  if (claim === undefined) return heard ? { host: 'unknown', pid: 0 } : 'free';
  const { host, pid, processes } = claim;
  if (host === hostname() && processes === processNamespace && !isRunning(pid)) return 'dead';
  return heard ? { host, pid } : 'silent';
}

function parsed(text: string): Claim | undefined {
  try {
    return JSON.parse(text) as Claim;
  } catch {
    return undefined;
  }
}

/** The modification time of a lease that was given back. */
const released = new Date(0);

const processNamespace = (() => {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
})();

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function claim(folder: string, generation: number, times: LeaseTimes): Promise<Lease | undefined> {
  const file = join(folder, fileName(generation));
  const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  const content: Claim = { host: hostname(), pid: process.pid, processes: processNamespace };
  await handle.writeFile(JSON.stringify(content));
  await handle.close();
  const others = await generations(folder);
  if (Math.max(...others) > generation) {
    // We looked long ago: this number had been used and removed meanwhile.
    await rm(file, { force: true });
    return undefined;
  }
  for (const older of others) {
    if (older < generation) await rm(join(folder, fileName(older)), { force: true });
  }
  return beating(folder, generation, times);
}

function beating(folder: string, generation: number, { heartbeatMs, believedMs }: LeaseTimes): Lease {
  const file = join(folder, fileName(generation));
  const lost = new AbortController();
  let shown = performance.now();
  let ended = false;
  const beat = async () => {
    try {
      const now = new Date();
      await utimes(file, now, now);
      shown = performance.now();
      if ((await latestGeneration(folder)) > generation) lost.abort();
    } catch (error) {
      // A shared folder may be away for a moment; for as long as others believe in us there is no harm.
      const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (gone || performance.now() - shown > believedMs) lost.abort();
    }
  };
  let last = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(() => (ended ? undefined : beat()));
  }, heartbeatMs);
  timer.unref();
  return {
    lost: lost.signal,
    async release() {
      ended = true;
      clearInterval(timer);
      await last;
      // Gone where another has taken over, or with the whole folder.
      await utimes(file, released, released).catch(() => {});
    },
  };
}
