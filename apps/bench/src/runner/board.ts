import type { Estimate } from '../experiment.ts';
import { median } from './estimate.ts';
import type { JobState, RunEvent } from './events.ts';
import type { Plan } from './plan.ts';
import { type Capacity, makespan } from './schedule.ts';
import type { JobSpec } from './spec.ts';

/** Where a job stands, as whoever watches sees it. */
export interface Row {
  readonly spec: JobSpec;
  readonly event: RunEvent;
  /** While it runs. */
  readonly secondsLeft?: number;
}

interface Pace {
  readonly attempt: number;
  /** When it was first heard of in this attempt, in seconds, and how far it was then: it may have begun at a checkpoint. */
  readonly began: number;
  readonly at: number;
  readonly done: number;
}

/** What is known from the events of a run. */
export class Board {
  readonly #plan: Plan;
  readonly #estimates: ReadonlyMap<string, Estimate>;
  readonly #capacity: Capacity;
  readonly #events = new Map<string, RunEvent>();
  readonly #paces = new Map<string, Pace>();
  readonly #tasks: ReadonlyMap<string, string>;
  /** By task, how much longer than estimated the jobs took that ended while we watched. */
  readonly #ratios = new Map<string, number[]>();

  constructor(plan: Plan, estimates: ReadonlyMap<string, Estimate>, capacity: Capacity) {
    this.#plan = plan;
    this.#estimates = estimates;
    this.#capacity = capacity;
    this.#tasks = new Map(plan.jobs.map(({ id, identity }) => [id, identity.task]));
    for (const { id } of plan.jobs) this.#events.set(id, { id, state: 'waiting' });
  }

  /** Returns what was known of the job before. */
  take(event: RunEvent, now: number): RunEvent {
    const before = this.#events.get(event.id)!;
    this.#events.set(event.id, event);
    if (isAtWork(event.state)) {
      const pace = this.#paces.get(event.id);
      const attempt = event.attempt ?? 1;
      const known = pace?.attempt === attempt && isAtWork(before.state) ? pace : undefined;
      if (known === undefined || (Number.isNaN(known.done) && event.done !== undefined))
        this.#paces.set(event.id, {
          attempt,
          began: known?.began ?? now,
          at: now,
          done: event.done ?? Number.NaN,
        });
    }
    if (event.state === 'done' && isAtWork(before.state)) this.#learn(event.id, now);
    return before;
  }

  rows(now: number): Row[] {
    return this.#plan.jobs.map((spec) => {
      const event = this.#events.get(spec.id)!;
      return isAtWork(event.state)
        ? { spec, event, secondsLeft: this.#secondsLeft(event, now) }
        : { spec, event };
    });
  }

  count(...states: readonly JobState[]): number {
    return [...this.#events.values()].filter(({ state }) => states.includes(state)).length;
  }

  /** Until everything is done that can be. */
  secondsLeft(now: number): number {
    const isOver = (id: string) => overStates.includes(this.#events.get(id)!.state);
    return makespan(
      this.#plan,
      isOver,
      (id) => {
        const event = this.#events.get(id)!;
        return isAtWork(event.state) ? this.#secondsLeft(event, now) : this.#expected(id);
      },
      this.#capacity,
    );
  }

  #secondsLeft({ id, done, total }: RunEvent, now: number): number {
    const { began, at, done: first } = this.#paces.get(id)!;
    // Of work whose amount nobody knows a task tells no total, or one that it passes.
    if (done !== undefined && total !== undefined && done > first && done <= total)
      return ((now - at) / (done - first)) * (total - done);
    return Math.max(0, this.#expected(id) - (now - began));
  }

  #expected(id: string): number {
    return this.#estimates.get(id)!.seconds * (median(this.#ratios.get(this.#tasks.get(id)!) ?? []) ?? 1);
  }

  #learn(id: string, now: number): void {
    const { seconds } = this.#estimates.get(id)!;
    if (seconds === 0) return;
    const task = this.#tasks.get(id)!;
    const ratios = this.#ratios.get(task) ?? [];
    this.#ratios.set(task, [...ratios, (now - this.#paces.get(id)!.began) / seconds]);
  }
}

const overStates: readonly JobState[] = ['done', 'failed', 'blocked'];

export const isAtWork = (state: JobState): boolean => state === 'running' || state === 'stalled';
