import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const built = fileURLToPath(new URL('../dist/main.js', import.meta.url));

export const experiment = (name: string): string =>
  fileURLToPath(new URL(`./experiments/${name}.mjs`, import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of its own in which `bench` runs as users run it, and the notes that tasks take there. */
export function workplace(main = built) {
  const folder = mkdtempSync(join(tmpdir(), 'proj-bench-'));
  const notesFile = join(folder, 'notes');
  const started = new Set<ChildProcess>();
  afterAll(() => {
    for (const child of started) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const notes = () => (existsSync(notesFile) ? readFileSync(notesFile, 'utf8').trim().split('\n') : []);

  const start = (args: readonly string[], env: Record<string, string> = {}) => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: folder,
      env: { ...process.env, BENCH_TEST_NOTES: notesFile, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, as a shell gives it.
      detached: true,
    });
    started.add(child);
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        text[name] += chunk;
      });
    const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...text })));
    /** As the terminal does it: the jobs' processes are told as well. */
    const pressControlC = () => process.kill(-child.pid!, 'SIGINT');
    return { child, ended, text, pressControlC };
  };

  return {
    folder,
    notes,
    start,
    bench: (args: readonly string[], env?: Record<string, string>) => start(args, env).ended,
    async json<T = Record<string, unknown>>(args: readonly string[]): Promise<T> {
      return JSON.parse((await start([...args, '--json']).ended).stdout) as T;
    },
    /** How often each note was taken that matches. */
    counts(pattern: RegExp): Map<string, number> {
      const counts = new Map<string, number>();
      for (const line of notes().filter((line) => pattern.test(line)))
        counts.set(line, (counts.get(line) ?? 0) + 1);
      return counts;
    },
    forget: () => rmSync(notesFile, { force: true }),
    async noted(pattern: RegExp): Promise<RegExpExecArray> {
      return until(() =>
        notes()
          .map((line) => pattern.exec(line))
          .find((match) => match !== null),
      );
    },
    /** All that finished jobs left, byte for byte. */
    results(store: string): Map<string, string> {
      const jobs = join(folder, store, 'jobs');
      return new Map(
        readdirSync(jobs, { recursive: true, encoding: 'utf8' })
          .filter((path) => /result\.json$|files\/.*\./.test(path))
          .sort()
          .map((path) => [path, readFileSync(join(jobs, path), 'base64')]),
      );
    },
  };
}

/** Waits for something to be there; the test's own limit ends it. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await sleep(10);
  }
}

export function isRunning(pid: number): boolean {
  try {
    // A zombie answers to signals.
    if (existsSync('/proc/self/stat'))
      return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
