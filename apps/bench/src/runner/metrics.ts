import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Finished, Metrics } from '../experiment.ts';

export const METRICS_FILE = 'metrics.jsonl';

/** One line of `metrics.jsonl`. */
export interface MetricsLine {
  readonly step: number;
  readonly [name: string]: number;
}

/** Appends lines to a file that outlives a killed attempt. */
export function metricsFile(path: string): Metrics & { close(): void } {
  let handle: number | undefined;
  const close = () => {
    if (handle !== undefined) closeSync(handle);
    handle = undefined;
  };
  return {
    resumeAt(step) {
      close();
      if (!existsSync(path)) return;
      const kept = linesOf(readFileSync(path, 'utf8')).filter((line) => line.step <= step);
      // Aside and renamed: whoever was killed in the middle of a line left half of one.
      writeFileSync(`${path}.tmp`, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
      renameSync(`${path}.tmp`, path);
    },
    add(step, values) {
      handle ??= openSync(path, 'a');
      writeSync(handle, `${JSON.stringify({ step, ...values })}\n`);
    },
    close,
  };
}

/** What a finished job wrote down while it ran; nothing where it wrote nothing. */
export async function metricsOf(finished: Pick<Finished, 'files' | 'file'>): Promise<MetricsLine[]> {
  if (!finished.files.some(({ name }) => name === METRICS_FILE)) return [];
  return linesOf(await readFile(finished.file(METRICS_FILE), 'utf8'));
}

/** The whole lines of the file. */
const linesOf = (text: string): MetricsLine[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as MetricsLine);
