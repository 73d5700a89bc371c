import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { metricsFile, metricsOf } from './metrics.ts';

const folder = mkdtempSync(join(tmpdir(), 'proj-metrics-'));
const path = join(folder, 'metrics.jsonl');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => rmSync(path, { force: true }));

function attempt(from: number, to: number, resume?: number): void {
  const metrics = metricsFile(path);
  if (resume !== undefined) metrics.resumeAt(resume);
  for (let step = from; step <= to; step++) metrics.add(step, { loss: 1 / step });
  metrics.close();
}

const text = () => readFileSync(path, 'utf8');

describe('metrics', () => {
  it('of an attempt that resumes are those of one that was not interrupted', () => {
    attempt(1, 20);
    const whole = text();
    rmSync(path);
    attempt(1, 13);
    appendFileSync(path, '{"step":14,"lo');
    attempt(11, 20, 10);
    expect(text()).toBe(whole);
  });

  it('of an attempt that begins anew do not hold those of the one before', () => {
    attempt(1, 20);
    const whole = text();
    attempt(1, 20);
    expect(text()).toBe(whole);
    metricsFile(path).close();
    expect(existsSync(path)).toBe(false);
  });

  it('stay when there is nothing left to do after the checkpoint', () => {
    attempt(1, 20);
    const whole = text();
    attempt(21, 20, 20);
    expect(text()).toBe(whole);
  });

  it('that are not finite come back as NaN', async () => {
    const metrics = metricsFile(path);
    metrics.add(1, { loss: Number.NaN, accuracy: 0.5 });
    metrics.add(2, { loss: Number.POSITIVE_INFINITY, accuracy: 0.5 });
    metrics.close();
    metricsFile(path).resumeAt(2);
    const files = [{ name: 'metrics.jsonl', bytes: 0, sha256: '' }];
    const lines = await metricsOf({ files, file: () => path });
    expect(lines).toEqual([
      { step: 1, loss: Number.NaN, accuracy: 0.5 },
      { step: 2, loss: Number.NaN, accuracy: 0.5 },
    ]);
  });
});
