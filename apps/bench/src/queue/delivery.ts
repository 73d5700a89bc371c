import type { Plan } from '../runner/plan.ts';
import type { JobSpec } from '../runner/spec.ts';
import { queueName, requirementOf } from './requirement.ts';

/** What lies in the queue for a job. */
export interface Delivery {
  readonly spec: JobSpec;
  /** Ids of all that it needs, directly or not. */
  readonly upstream: readonly string[];
  /** Jobs that need it: to be looked at as soon as it is done. */
  readonly dependents: readonly { readonly id: string; readonly queue: string }[];
}

/** What a worker says about a job that it has or had. */
export interface QueueProgress {
  readonly done: number;
  readonly total: number;
  readonly detail: string;
  /** Milliseconds since 1970 of the last sign of life. */
  readonly heard: number;
  /** Why it lies in the queue again. */
  readonly note?: string;
}

/** The same job has the same place in the queue whoever asks for it. BullMQ refuses ids that look like a number. */
export const queueId = (id: string): string => `job-${id}`;

export function deliveriesOf(plan: Plan): Map<string, Delivery> {
  const upstream = new Map<string, Set<string>>();
  const dependents = new Map<string, Delivery['dependents'][number][]>();
  // Every job stands behind those it needs.
  for (const spec of plan.jobs) {
    const all = new Set<string>();
    for (const need of new Set(Object.values(spec.identity.needs))) {
      all.add(need);
      for (const id of upstream.get(need) ?? []) all.add(id);
      dependents.get(need)?.push({ id: spec.id, queue: queueName(requirementOf(spec)) });
    }
    upstream.set(spec.id, all);
    dependents.set(spec.id, []);
  }
  return new Map(
    plan.jobs.map((spec) => [
      spec.id,
      { spec, upstream: [...upstream.get(spec.id)!], dependents: dependents.get(spec.id)! },
    ]),
  );
}
