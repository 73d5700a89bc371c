import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Ended<T> {
  readonly code: number | null;
  /** What it printed with `--json`. */
  readonly json: T;
  readonly stderr: string;
}

/** A `bench` command that runs by itself. */
export class Bench<T> {
  readonly #process: ChildProcess;
  #stdout = '';
  stderr = '';
  readonly ended: Promise<Ended<T>>;

  constructor(args: readonly string[]) {
    this.#process = spawn(process.execPath, [main, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process.stdout!.on('data', (text) => {
      this.#stdout += text;
    });
    this.#process.stderr!.on('data', (text) => {
      this.stderr += text;
    });
    this.ended = once(this.#process, 'close').then(([code]) => ({
      code: code as number | null,
      json: (this.#stdout === '' ? undefined : JSON.parse(this.#stdout)) as T,
      stderr: this.stderr,
    }));
  }

  get pid(): number {
    return this.#process.pid!;
  }

  signal(name: 'SIGINT' | 'SIGKILL'): Promise<Ended<T>> {
    this.#process.kill(name);
    return this.ended;
  }
}

export async function until<T>(
  found: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (;;) {
    const value = await found();
    if (value !== undefined && value !== false) return value;
    await wait(50);
  }
}

/** Linux only; elsewhere none are found. */
export function childrenOf(pid: number): number[] {
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.filter((child) => parentOf(child) === pid).map(Number);
  } catch {
    return [];
  }
}

export const isAlive = (pid: number): boolean => parentOf(String(pid)) !== undefined;

function parentOf(pid: string): number | undefined {
  try {
    // The name, in parentheses, may hold anything.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return state === 'Z' ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}
