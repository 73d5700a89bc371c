/** Where a job stands while a plan is run. */
export type JobState =
  /** Something it needs is not done yet. */
  | 'waiting'
  /** It could run, and no process is free. */
  | 'queued'
  | 'running'
  /** It runs, and has been silent for long. */
  | 'stalled'
  /** An attempt failed; another follows after a pause. */
  | 'retrying'
  | 'done'
  /** Given up. */
  | 'failed'
  /** Something it needs was given up. */
  | 'blocked'
  /** Ctrl-C; its checkpoint lies in the store. */
  | 'stopped';

/** What executors tell, local or by a queue: one job's new state or progress. */
export interface RunEvent {
  readonly id: string;
  readonly state: JobState;
  /** From 1. */
  readonly attempt?: number;
  /** While it runs. */
  readonly done?: number;
  readonly total?: number;
  readonly detail?: string;
  /** Where it runs, when that is another machine. */
  readonly host?: string;
  /** Why it failed, or what blocks it. */
  readonly message?: string;
  /** Its last lines of output, when it failed. */
  readonly log?: readonly string[];
}

export interface ExecutionOptions {
  /** Attempts after the first one. */
  readonly retries: number;
  /** Pause before the first of them; each further one is twice as long. */
  readonly backoffSeconds: number;
  /** Aborted to stop at the next checkpoints. */
  readonly signal: AbortSignal;
}
