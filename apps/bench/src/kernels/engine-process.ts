import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { RunningEngine } from './engine-pool.ts';
import type { Reply, Request } from './tasks.ts';

/** An engine in a process of its own, which lives until `end` and answers one request after the other. */
export class EngineProcess implements RunningEngine {
  readonly #child: ChildProcess;
  readonly #replies: AsyncIterator<string>;
  readonly #ended: Promise<string>;

  /** Starts a command line. What it prints goes to standard error; its replies come over a pipe of their own. */
  constructor([command, ...args]: readonly [string, ...string[]]) {
    this.#child = spawn(command, args, { stdio: ['pipe', process.stderr, process.stderr, 'pipe'] });
    const pipe = this.#child.stdio[3] as Readable;
    this.#replies = createInterface({ input: pipe })[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(error.message));
      this.#child.on('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`));
    });
    // A request to a process that has ended is answered from its end, below.
    this.#child.stdin?.on('error', () => {});
  }

  hello(): Promise<Reply> {
    return this.#next();
  }

  request(request: Request): Promise<Reply> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    return this.#next();
  }

  /** Ends the process and waits for it. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    this.#child.kill();
    await this.#ended;
  }

  async #next(): Promise<Reply> {
    const { value, done } = await this.#replies.next();
    return done === true ? { failed: await this.#ended } : (JSON.parse(value) as Reply);
  }
}
