import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Finished, Metrics } from '../experiment.ts';

export const METRICS_FILE = 'metrics.jsonl';

/** One line of `metrics.jsonl`; what is not finite is `null` there and NaN here. */
export interface MetricsLine {
  readonly step: number;
  readonly [name: string]: number;
}

/** A file that outlives a killed attempt, and holds in the end what an attempt that was not interrupted would have written. */
export function metricsFile(path: string): Metrics & { close(): void } {
  let handle: number | undefined;
  let begun = false;
  return {
    resumeAt(step) {
      if (handle !== undefined) closeSync(handle);
      handle = undefined;
      begun = true;
      if (!existsSync(path)) return;
      const kept = wholeLines(readFileSync(path, 'utf8')).filter((line) => parsed(line).step <= step);
      // Aside and renamed, since we can be killed here, too.
      writeFileSync(`${path}.tmp`, kept.map((line) => `${line}\n`).join(''));
      renameSync(`${path}.tmp`, path);
    },
    add(step, values) {
      // Whoever does not resume begins anew.
      handle ??= openSync(path, begun ? 'a' : 'w');
      begun = true;
      writeSync(handle, `${JSON.stringify({ step, ...values })}\n`);
    },
    close() {
      if (handle !== undefined) closeSync(handle);
      handle = undefined;
      if (!begun) rmSync(path, { force: true });
    },
  };
}

/** What a finished job wrote down while it ran; nothing where it wrote nothing. */
export async function metricsOf(finished: Pick<Finished, 'files' | 'file'>): Promise<MetricsLine[]> {
  if (!finished.files.some(({ name }) => name === METRICS_FILE)) return [];
  return wholeLines(await readFile(finished.file(METRICS_FILE), 'utf8')).map(parsed);
}

/** Whoever was killed in the middle of a line left a part of one. */
const wholeLines = (text: string): string[] => text.split('\n').slice(0, -1);

const parsed = (line: string): MetricsLine =>
  JSON.parse(line, (_, value: unknown) => (value === null ? Number.NaN : value)) as MetricsLine;
