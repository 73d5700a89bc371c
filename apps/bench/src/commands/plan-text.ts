import Table from 'cli-table3';
import type { PlanEstimate } from '../runner/estimate.ts';
import { type Plan, runName } from '../runner/plan.ts';
import { byteSize, counted, duration } from './format.ts';

/** What a plan comes to: the jobs of each task, what is there already, time and disk. */
export function planText(plan: Plan, estimate: PlanEstimate, processors: number): string {
  const table = new Table({
    head: ['task', 'jobs', 'done', 'to do', 'disk', 'estimate'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'left'],
  });
  for (const { task, jobs, done, seconds, bytes, measured } of estimate.tasks) {
    const open = done < jobs;
    const basis = measured > 0 ? `as ${counted(measured, 'finished job')} took` : "the task's own";
    table.push([
      task,
      jobs,
      done,
      open ? duration(seconds) : '',
      open ? byteSize(bytes) : '',
      open ? basis : '',
    ]);
  }
  return [runName(plan), table.toString(), planSummary(estimate, processors), ''].join('\n');
}

function planSummary(estimate: PlanEstimate, processors: number): string {
  const { jobs, done, failed, seconds, bytes, freeBytes } = estimate;
  if (done === jobs) return `All ${counted(jobs, 'job')} are done.`;
  const lines = [
    `${jobs - done} of ${counted(jobs, 'job')} to do: about ${duration(seconds)} on ${counted(processors, 'core')}, ${byteSize(bytes)} of ${byteSize(freeBytes)} free.`,
  ];
  if (failed > 0)
    lines.push(`${counted(failed, 'job')} failed before and will not run; bench retry runs them.`);
  if (bytes > freeBytes) lines.push('WARNING: the disk has too little room for the results.');
  return lines.join('\n');
}
