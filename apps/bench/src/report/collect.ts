import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, planArguments } from '../commands/command-line.ts';
import type { Experiment, Finished } from '../experiment.ts';
import { sha256Of } from '../runner/identity.ts';
import { outcomeOf } from '../runner/outcome.ts';
import type { Plan } from '../runner/plan.ts';
import type { JobSpec } from '../runner/spec.ts';
import type { Store } from '../runner/store.ts';
import type { Report, ReportedJob } from './report.ts';
import type { Section } from './section.ts';

/** Reads what the store has of a plan and lets the experiment make its tables and figures of it. */
export async function collectReport(plan: Plan, store: Store, experiment: Experiment): Promise<Report> {
  const finished = new Map<string, Finished>();
  const jobs: ReportedJob[] = [];
  // Needed jobs come first in a plan, so that it is known of them what blocks others.
  for (const spec of plan.jobs) {
    const done = await store.finished(spec.id);
    if (done !== undefined) finished.set(spec.id, done);
    jobs.push(done === undefined ? await undone(spec, store, jobs) : await reported(spec, done, store));
  }
  return {
    schema: 'proj.bench.report/1',
    experiment: experiment.name,
    title: experiment.title,
    about: experiment.about,
    preset: plan.preset,
    settings: plan.settings,
    run: commandLine(['run', ...planArguments(plan)]),
    report: commandLine(['report', ...planArguments(plan)]),
    ...(finished.size < jobs.length && { goOn: goOn(plan, jobs) }),
    sections: await sectionsOf(plan, experiment, [...finished.values()]),
    jobs,
  };
}

/** Jobs that were given up stay so until they are asked for. */
function goOn(plan: Plan, jobs: readonly ReportedJob[]): string {
  if (!jobs.some(({ state }) => state === 'failed')) return commandLine(['run', ...planArguments(plan)]);
  return commandLine(['retry', ...planArguments(plan), '--failed']);
}

const described = ({ id, label, identity }: JobSpec) => ({ id, label, ...identity });

async function reported(spec: JobSpec, { result, files, run }: Finished, store: Store): Promise<ReportedJob> {
  const resultSha256 = sha256Of(await readFile(join(store.folder(spec.id), 'result.json')));
  return { ...described(spec), state: 'done', result, resultSha256, files, run };
}

async function undone(spec: JobSpec, store: Store, before: readonly ReportedJob[]): Promise<ReportedJob> {
  const failure = await store.failure(spec.id);
  if (failure !== undefined) return { ...described(spec), state: 'failed', message: failure.message };
  const needs = Object.values(spec.identity.needs);
  const blocking = before.find(
    ({ id, state }) => needs.includes(id) && (state === 'failed' || state === 'blocked'),
  );
  if (blocking === undefined) return { ...described(spec), state: 'missing' };
  return { ...described(spec), state: 'blocked', message: `needs ${blocking.label}` };
}

async function sectionsOf(
  plan: Plan,
  experiment: Experiment,
  finished: readonly Finished[],
): Promise<readonly Section[]> {
  if (finished.length === 0) return [];
  try {
    return await experiment.report(outcomeOf(plan.settings, finished));
  } catch (error) {
    if (finished.length === plan.jobs.length) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const text = [`Of the jobs that are done, no tables and figures can be made yet: ${message}`];
    return [{ kind: 'text', title: 'Not enough results', text }];
  }
}
