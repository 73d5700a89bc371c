import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { OscillationRecord } from '@proj/quant-stats';
import type { Finished } from '../experiment.ts';

/** Left by a job that watched its weights: JSON lines, one for each of some steps. */
export const OSCILLATION_FILE = 'oscillation.jsonl';

/** What the weights did up to a step, counted from the beginning of the training (of a training that goes on: of the one before). */
export type OscillationLine = OscillationRecord & { readonly step: number };

/** A file that outlives a killed attempt: `resumeAt` forgets what was written behind the checkpoint. */
export function oscillationFile(path: string) {
  return {
    resumeAt(step: number): void {
      const kept = existsSync(path)
        ? lines(readFileSync(path, 'utf8')).filter((line) => line.step <= step)
        : [];
      // Aside and renamed, since we can be killed here, too.
      writeFileSync(`${path}.tmp`, kept.map(text).join(''));
      renameSync(`${path}.tmp`, path);
    },
    add(step: number, record: OscillationRecord): void {
      appendFileSync(path, text({ step, ...record }));
    },
    /** Writes the file that is kept: histograms, most of its bytes, of the first and the last record only. */
    keep(to: string): void {
      const all = lines(readFileSync(path, 'utf8'));
      const kept = all.map((line, i) => (i === 0 || i === all.length - 1 ? line : withoutHistograms(line)));
      writeFileSync(to, kept.map(text).join(''));
    },
  };
}

/** What a finished job saw of its weights, in the order of the steps; nothing where it did not look. */
export async function oscillationOf(finished: Pick<Finished, 'files' | 'file'>): Promise<OscillationLine[]> {
  if (!finished.files.some(({ name }) => name === OSCILLATION_FILE)) return [];
  return lines(await readFile(finished.file(OSCILLATION_FILE), 'utf8'));
}

const withoutHistograms = (line: OscillationLine): OscillationLine => ({
  ...line,
  layers: line.layers.map((layer) => ({ ...layer, histogram: null })),
});

const text = (line: OscillationLine): string => `${JSON.stringify(line)}\n`;

/** Whoever was killed in the middle of a line left a part of one. */
const lines = (content: string): OscillationLine[] =>
  content
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as OscillationLine);
