import type { Reply, Request, Task } from '../tasks.ts';
import { warmUp } from './warm-up.ts';

/** A task that is ready to be run. */
export interface Prepared {
  /** Does the work once; the result is complete when it returns or its promise resolves. */
  run(): void | Promise<void>;
  /** The beginning of the result of the first call. */
  check(): Promise<readonly number[]>;
  /** Bytes of tensors at the peak of a call, its inputs among them; of tasks that are asked for it. */
  peakBytes?(): Promise<number>;
  release(): void;
}

export interface Engine {
  /** Name and version. */
  readonly about: string;
  /** Undefined for a task that the engine cannot do. */
  prepare(task: Task): Prepared | Promise<Prepared> | undefined;
  heapBytes(): number | null;
}

/** How an engine answers requests, one after the other; `cpuSeconds` is the processor time used so far. */
export function answering(engine: Engine, cpuSeconds: () => number): (request: Request) => Promise<Reply> {
  const slots = new Map<string, Prepared>();
  const timed = async (prepared: Prepared, calls: number) => {
    const wall = performance.now();
    const cpu = cpuSeconds();
    for (let call = 0; call < calls; call++) {
      const running = prepared.run();
      // A task that computes at once is not made to wait for a turn of the event loop.
      if (running !== undefined) await running;
    }
    return { cpu: cpuSeconds() - cpu, wall: (performance.now() - wall) / 1e3 };
  };
  return async (request) => {
    if (request.do === 'prepare') {
      const preparing = engine.prepare(request.task);
      if (preparing === undefined) return { unsupported: `${engine.about} does not do this` };
      const prepared = await preparing;
      slots.set(request.slot, prepared);
      const check = await prepared.check();
      const peakBytes = await prepared.peakBytes?.();
      const secondsPerCall = await warmUp((calls) => timed(prepared, calls), request.warmUpSeconds);
      return { secondsPerCall, check, ...(peakBytes !== undefined && { peakBytes }) };
    }
    const prepared = slots.get(request.slot);
    if (prepared === undefined) throw new Error(`nothing is prepared as ${request.slot}`);
    if (request.do === 'run') return timed(prepared, request.calls);
    prepared.release();
    slots.delete(request.slot);
    return { heapBytes: engine.heapBytes() };
  };
}
