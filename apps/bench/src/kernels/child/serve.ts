import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Reply, Request, Task } from '../tasks.ts';
import { warmUp } from './warm-up.ts';

/** A task that is ready to be run. */
export interface Prepared {
  /** Does the work once; the result is complete when it returns or its promise resolves. */
  run(): void | Promise<void>;
  /** The beginning of the result of the first call. */
  check(): Promise<readonly number[]>;
  release(): void;
}

export interface Engine {
  /** Name and version. */
  readonly about: string;
  /** Undefined for a task that the engine cannot do. */
  prepare(task: Task): Promise<Prepared> | undefined;
  heapBytes(): number | null;
}

/** Where replies go: standard output belongs to whatever the engine itself prints. */
const REPLIES = 3;
const reply = (message: Reply) => writeSync(REPLIES, `${JSON.stringify(message)}\n`);

/** Answers requests on standard input, one after the other, until it ends. */
export async function serve(start: () => Promise<Engine>): Promise<void> {
  const slots = new Map<string, Prepared>();
  try {
    const engine = await start();
    reply({ about: engine.about });
    for await (const line of createInterface({ input: process.stdin })) {
      try {
        reply(await answer(engine, slots, JSON.parse(line) as Request));
      } catch (error) {
        reply(failure(error));
      }
    }
  } catch (error) {
    reply(failure(error));
  }
  process.exit();
}

/** The message for the table; the stack goes to standard error. */
function failure(error: unknown): Reply {
  const { stack, message } = error as Error;
  process.stderr.write(`${stack ?? error}\n`);
  return { failed: message ?? String(error) };
}

async function answer(engine: Engine, slots: Map<string, Prepared>, request: Request): Promise<Reply> {
  if (request.do === 'prepare') {
    const preparing = engine.prepare(request.task);
    if (preparing === undefined) return { unsupported: `${engine.about} does not do this` };
    const prepared = await preparing;
    slots.set(request.slot, prepared);
    const check = await prepared.check();
    const secondsPerCall = await warmUp((calls) => timed(prepared, calls), request.warmUpSeconds);
    return { secondsPerCall, check };
  }
  const prepared = slots.get(request.slot);
  if (prepared === undefined) throw new Error(`nothing is prepared as ${request.slot}`);
  if (request.do === 'run') return timed(prepared, request.calls);
  prepared.release();
  slots.delete(request.slot);
  return { heapBytes: engine.heapBytes() };
}

async function timed(prepared: Prepared, calls: number): Promise<{ cpu: number; wall: number }> {
  const wall = performance.now();
  const cpu = process.cpuUsage();
  for (let call = 0; call < calls; call++) {
    const running = prepared.run();
    // A task that computes at once is not made to wait for a turn of the event loop.
    if (running !== undefined) await running;
  }
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1e6, wall: (performance.now() - wall) / 1e3 };
}
