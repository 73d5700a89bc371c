import type { EngineName } from '../kernels/engine-names.ts';
import { EnginePool, type RunningEngine } from '../kernels/engine-pool.ts';
import type { Reply, Request } from '../kernels/tasks.ts';

/** An engine in a worker of its own. */
class EngineWorker implements RunningEngine {
  readonly #worker: Worker;
  /** Replies that nobody has waited for yet. */
  readonly #replies: Reply[] = [];
  #waiting: ((reply: Reply) => void) | undefined;
  #ended: Reply | undefined;

  constructor(name: EngineName) {
    this.#worker = new Worker(new URL('./engine-worker.ts', import.meta.url), { type: 'module', name });
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#finish(event.message || 'its worker could not be loaded');
    };
  }

  hello(): Promise<Reply> {
    return this.#next();
  }

  request(request: Request): Promise<Reply> {
    if (this.#ended === undefined) this.#worker.postMessage(request);
    return this.#next();
  }

  async end(): Promise<void> {
    this.#worker.terminate();
    this.#finish('it was ended');
  }

  #next(): Promise<Reply> {
    const reply = this.#replies.shift() ?? this.#ended;
    if (reply !== undefined) return Promise.resolve(reply);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #hear(reply: Reply): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#replies.push(reply);
    else waiting(reply);
  }

  #finish(failed: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = { failed };
    this.#waiting?.(this.#ended);
    this.#waiting = undefined;
  }
}

/** Engines in workers; `tell` hears of those that do not run. */
export const workerEngines = (tell: (message: string) => void): EnginePool =>
  new EnginePool(async (name) => new EngineWorker(name), tell);
