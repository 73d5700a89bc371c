import { readdir } from 'node:fs/promises';
import type { JobState, RunEvent } from './events.ts';
import { leaseHolder } from './lease.ts';
import type { Plan } from './plan.ts';
import type { JobSpec } from './spec.ts';
import type { Store } from './store.ts';
import { stallSeconds } from './supervise.ts';

/** Where the jobs of a plan stand as the store has it, whoever runs them. */
export async function storedStates(plan: Plan, store: Store): Promise<RunEvent[]> {
  const events = new Map<string, RunEvent>();
  const stateOf = (id: string) => events.get(id)!.state;
  // A job stands behind those it needs.
  for (const spec of plan.jobs) events.set(spec.id, await storedState(spec, store, stateOf));
  return [...events.values()];
}

/** @param stateOf of the jobs that this one needs. */
async function storedState(
  { id, identity }: JobSpec,
  store: Store,
  stateOf: (id: string) => JobState,
): Promise<RunEvent> {
  if (store.has(id)) return { id, state: 'done' };
  const holder = await leaseHolder(store.folder(id));
  if (holder !== undefined) return heldState(id, store, holder.host);
  const failure = await store.failure(id);
  if (failure !== undefined) {
    const { attempts, message, log } = failure;
    return { id, state: 'failed', attempt: attempts, message, log };
  }
  const needs = Object.values(identity.needs);
  if (needs.some((need) => isGivenUp(stateOf(need)))) return { id, state: 'blocked' };
  if (needs.some((need) => stateOf(need) !== 'done')) return { id, state: 'waiting' };
  const checkpoints = await readdir(store.scratch(id)).catch(() => []);
  return { id, state: checkpoints.length > 0 ? 'stopped' : 'queued' };
}

/** How far a job is that a process works on. */
export async function heldState(id: string, store: Store, host: string): Promise<RunEvent> {
  const progress = await store.progress(id);
  if (progress === undefined) return { id, state: 'running', host };
  const { done, total, detail, attempt, heard } = progress;
  const state = Date.now() - heard > 1000 * stallSeconds.shown ? 'stalled' : 'running';
  return { id, state, host, done, total, detail, attempt };
}

export const isGivenUp = (state: JobState): boolean => state === 'failed' || state === 'blocked';
