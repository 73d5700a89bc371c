import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import { setBackend } from '@tensorflow/tfjs-core';
import { analyseJob } from './analyse-job.ts';
import type { DemoJob, JobMessage, JobResult, Report } from './jobs.ts';
import { togetherJob } from './together-job.ts';
import { trainJob } from './train-job.ts';

const send = (message: JobMessage) => process.send!(message);

function perform(job: DemoJob, report: Report): Promise<JobResult> {
  if (job.kind === 'train') return trainJob(job, report);
  if (job.kind === 'analyse') return analyseJob(job, report);
  return togetherJob(job, report);
}

// One process for each training: tfjs-wasm computes in one thread, so the cores are filled by processes.
process.once('message', async (job: DemoJob) => {
  try {
    await setBackend('wasm');
    send({
      kind: 'result',
      result: await perform(job, (passes, detail) => send({ kind: 'progress', passes, detail })),
    });
  } catch (error) {
    send({ kind: 'error', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  process.disconnect();
});
