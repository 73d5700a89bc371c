import type { Config, Json, RunRecord, Settings, StoredFile } from '../experiment.ts';
import type { Section } from './section.ts';

/** Everything that a report says, as `report.json` holds it and as the other forms show it. */
export interface Report {
  readonly schema: 'proj.bench.report/1';
  readonly experiment: string;
  readonly title: string;
  readonly about: string;
  readonly preset: string;
  readonly settings: Settings;
  /** What makes the results. */
  readonly run: string;
  /** What makes this report of them. */
  readonly report: string;
  /** What goes on, where not all is done. */
  readonly goOn?: string;
  readonly sections: readonly Section[];
  /** Those of the plan, needed ones before those that need them. */
  readonly jobs: readonly ReportedJob[];
}

export type ReportedJob = UndoneJob | DoneJob;

interface JobDescription {
  readonly id: string;
  readonly label: string;
  readonly task: string;
  readonly config: Config;
  readonly seed: number;
  /** Fingerprints of the data it reads, by name. */
  readonly data: Readonly<Record<string, string>>;
  /** Ids of the jobs it needs, by name. */
  readonly needs: Readonly<Record<string, string>>;
  /** Hash of all the code that it runs. */
  readonly code: string;
  /** Fingerprint of the machine, where it measures time. */
  readonly machine?: string;
}

/** Given up, kept from running by one that was given up, or not run yet. */
interface UndoneJob extends JobDescription {
  readonly state: 'failed' | 'blocked' | 'missing';
  /** Why it was given up, or the job that blocks it. */
  readonly message?: string;
}

export interface DoneJob extends JobDescription {
  readonly state: 'done';
  readonly result: Json;
  /** Of `result.json` in the store: equal wherever the job ran, unless it measures time. */
  readonly resultSha256: string;
  readonly files: readonly StoredFile[];
  readonly run: RunRecord;
}

export const isDone = (job: ReportedJob): job is DoneJob => job.state === 'done';

/** The jobs that a section is made from. */
export function jobsOf(report: Report, section: Section): readonly DoneJob[] {
  const done = report.jobs.filter(isDone);
  if (section.from === undefined) return done;
  const ids = new Set(section.from.map(({ id }) => id));
  return done.filter(({ id }) => ids.has(id));
}

/** What the title of section `index` is called in names of files and in links. */
export function sectionName({ title }: Section, index: number): string {
  const words = title
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim()
    .slice(0, 48)
    .trim();
  return [String(index + 1).padStart(2, '0'), ...words.split(' ')].filter((word) => word !== '').join('-');
}
