import { fileURLToPath } from 'node:url';
import type { Config, Estimate, Resources } from '../experiment.ts';

/** A job as it is stored and sent: everything that another process needs to run it. */
export interface JobSpec {
  readonly schema: 'proj.bench.job/1';
  /** SHA-256 of the identity; the first 16 digits. */
  readonly id: string;
  readonly identity: JobIdentity;
  readonly label: string;
  /** Where the task is exported: `bench:tasks/train.js` in this app, else a file URL. */
  readonly module: string;
  readonly resources: Resources;
  readonly estimate: Estimate;
}

/** What makes a job this one and no other. */
export interface JobIdentity {
  readonly task: string;
  readonly config: Config;
  readonly seed: number;
  /** Fingerprints of the data it reads. */
  readonly data: Readonly<Record<string, string>>;
  /** Ids of the jobs it needs. */
  readonly needs: Readonly<Record<string, string>>;
  readonly code: string;
  /** Only where it measures time. */
  readonly machine?: string;
}

/** The folder that this app is built into; the same file has the same place in it on every machine. */
const root = new URL('../', import.meta.url);

export const portableModule = (url: string): string =>
  url.startsWith(root.href) ? `bench:${url.slice(root.href.length)}` : url;

export const moduleUrl = (module: string): string =>
  module.startsWith('bench:') ? new URL(module.slice('bench:'.length), root).href : module;

export const modulePath = (module: string): string => fileURLToPath(moduleUrl(module));
