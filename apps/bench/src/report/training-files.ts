import { readFile } from 'node:fs/promises';
import { METRICS_FILE, metricsOf } from '../runner/metrics.ts';
import type { Plan } from '../runner/plan.ts';
import type { Store } from '../runner/store.ts';
import { eventFile, eventFileName } from './tensorboard.ts';

/** What finished jobs wrote down while they ran: as they wrote it, and as TensorBoard reads it. By path in the report's folder. */
export async function trainingFiles(plan: Plan, store: Store): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const taken = new Set<string>();
  for (const { id, label } of plan.jobs) {
    const finished = await store.finished(id);
    if (finished === undefined) continue;
    const lines = await metricsOf(finished);
    if (lines.length === 0) continue;
    const own = fileName(label);
    // On some systems names that differ in case only are the same.
    const name = taken.has(own.toLowerCase()) ? `${own}-${id}` : own;
    taken.add(name.toLowerCase());
    files.set(`metrics/${name}.jsonl`, await readFile(finished.file(METRICS_FILE)));
    const { run } = finished;
    files.set(`tensorboard/${name}/${eventFileName(id, run.finished)}`, eventFile(lines, run));
  }
  return files;
}

/** A name has 255 bytes: three for each of these, and an id and an ending come behind. */
const longest = 70;

/** A label as a file name on any system. */
const fileName = (label: string): string =>
  label
    .normalize('NFKC')
    .replaceAll(/[^\p{L}\p{N}._=+-]+/gu, '-')
    .replaceAll(/^[.-]+|[.-]+$/g, '')
    .slice(0, longest) || 'job';
