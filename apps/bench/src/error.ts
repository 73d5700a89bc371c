/**
 * - `BENCH_UNKNOWN`: there is no such experiment, preset, setting, task or job.
 * - `BENCH_SETTING`: a setting was given a value of another type.
 * - `BENCH_EXPERIMENT_INVALID`: a description contradicts itself.
 * - `BENCH_DATA_MISSING`: data that a job reads is not there.
 * - `BENCH_DATA_DIFFERS`: a worker's data is not that of the plan.
 * - `BENCH_JOB_HELD`: another process works on the job.
 * - `BENCH_LEASE_LOST`: another process took the job over, since this one seemed dead.
 * - `BENCH_CODE_DIFFERS`: a worker's code is not that of the plan.
 * - `BENCH_STORE_INVALID`: a file of the store is damaged.
 * - `BENCH_JOBS_FAILED`: some jobs failed, or could not run because others did.
 * - `BENCH_STOPPED`: Ctrl-C; what was running has its checkpoint.
 * - `BENCH_QUEUE`: the queue cannot be reached.
 * - `BENCH_ADDRESS`: this machine cannot be listened to at an address and port.
 */
export type BenchErrorCode =
  | 'BENCH_UNKNOWN'
  | 'BENCH_SETTING'
  | 'BENCH_EXPERIMENT_INVALID'
  | 'BENCH_DATA_MISSING'
  | 'BENCH_DATA_DIFFERS'
  | 'BENCH_JOB_HELD'
  | 'BENCH_LEASE_LOST'
  | 'BENCH_CODE_DIFFERS'
  | 'BENCH_STORE_INVALID'
  | 'BENCH_JOBS_FAILED'
  | 'BENCH_STOPPED'
  | 'BENCH_QUEUE'
  | 'BENCH_ADDRESS';

export class BenchError extends Error {
  override readonly name = 'BenchError';
  readonly code: BenchErrorCode;

  constructor(code: BenchErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
