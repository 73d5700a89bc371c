import { type EngineName, engineTitles } from './engine-names.ts';
import type { Reply, Request } from './tasks.ts';

/** An engine that lives by itself, a process or a worker, and answers one request after the other. */
export interface RunningEngine {
  /** What the engine says it is, or why it does not run. */
  hello(): Promise<Reply>;
  request(request: Request): Promise<Reply>;
  /** Ends it; what it was asked is answered by that it ended. */
  end(): Promise<void>;
}

export interface Missing {
  readonly missing: string;
}

export type StartEngine = (name: EngineName, threads: number) => Promise<RunningEngine | Missing>;

/** Engines that are started when they are first asked for; says of those that do not run why. */
export class EnginePool {
  readonly #start: StartEngine;
  readonly #tell: (message: string) => void;
  readonly #running = new Map<string, RunningEngine>();
  readonly #absent = new Map<EngineName, Missing>();
  /** What ran under each name, or why it did not. */
  readonly about: Partial<Record<EngineName, string>> = {};

  constructor(start: StartEngine, tell: (message: string) => void) {
    this.#start = start;
    this.#tell = tell;
  }

  /** The engine of this name, the same one until `endAll`. */
  async get(name: EngineName, threads: number): Promise<RunningEngine | Missing> {
    const running = this.#running.get(`${name} ${threads}`);
    if (running !== undefined) return running;
    const absent = this.#absent.get(name);
    if (absent !== undefined) return absent;
    const engine = await this.#start(name, threads);
    if ('missing' in engine) return this.#missing(name, engine.missing);
    const hello = await engine.hello();
    if (!('about' in hello)) {
      await engine.end();
      return this.#missing(name, 'failed' in hello ? hello.failed : 'it did not say what it is');
    }
    this.about[name] ??= hello.about;
    this.#running.set(`${name} ${threads}`, engine);
    return engine;
  }

  async endAll(): Promise<void> {
    const engines = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(engines.map((engine) => engine.end()));
  }

  #missing(name: EngineName, reason: string): Missing {
    this.about[name] = `does not run: ${reason}`;
    this.#tell(`${engineTitles[name]} does not run: ${reason}`);
    const absent = { missing: reason };
    this.#absent.set(name, absent);
    return absent;
  }
}
