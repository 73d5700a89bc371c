import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { toFloat32 } from '@proj/tensor-io';
import { readSafetensors } from '@proj/tensor-io/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Ended {
  readonly losses: readonly number[];
  readonly sha256?: string;
  readonly code?: string;
  readonly message?: string;
  readonly leftOver?: number;
}

const folder = mkdtempSync(join(tmpdir(), 'trainer-parallel-'));
const script = fileURLToPath(new URL('./parallel-child.mjs', import.meta.url));
const path = (name: string) => join(folder, `${name}.safetensors`);

/** Does these trainings in one process, which must end by itself: workers left behind would keep it. */
async function child<K extends string>(runs: Record<K, object>): Promise<Record<K, Ended>> {
  const entries = Object.entries<object>(runs);
  const list = entries.map(([name, run]) => ({ checkpoint: path(name), ...run }));
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(list)]);
  const lines = stdout.trim().split('\n');
  return Object.fromEntries(entries.map(([name], i) => [name, JSON.parse(lines[i]!)])) as Record<K, Ended>;
}

afterAll(() => rmSync(folder, { recursive: true }));

describe('training with workers', () => {
  let runs: Record<'plain' | 'one' | 'two' | 'again' | 'three', Ended>;
  beforeAll(async () => {
    runs = await child({
      plain: {},
      one: { workers: 1 },
      two: { workers: 2 },
      again: { workers: 2 },
      three: { workers: 3 },
    });
  }, 120_000);

  it('with one is the training without', () => {
    expect(runs.one).toEqual(runs.plain);
    expect(runs.plain.losses).toHaveLength(8);
  });

  it('gives the same bits again with the same number', () => {
    expect(runs.two.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(runs.again).toEqual(runs.two);
  });

  it.each(['two', 'three'] as const)(
    'with %s differs from one by no more than rounding, in shards of unequal size too',
    async (name) => {
      for (const [i, loss] of runs[name].losses.entries()) {
        expect(Math.abs(loss - runs.one.losses[i]!)).toBeLessThan(1e-5);
      }
      const [one, other] = await Promise.all([readSafetensors(path('one')), readSafetensors(path(name))]);
      // Parameters, moments and the running mean.
      expect([...other.state.keys()]).toEqual([...one.state.keys()]);
      expect(one.state.has('input.running_mean')).toBe(true);
      for (const [key, data] of one.state) {
        const found = toFloat32(other.state.get(key)!);
        for (const [i, value] of toFloat32(data).entries()) {
          expect(Math.abs(found[i]! - value), key).toBeLessThan(1e-5);
        }
      }
    },
  );

  it('leaves no tensor behind', () => {
    expect(Object.values(runs).map(({ leftOver }) => leftOver)).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('a worker that dies', () => {
  it('ends the run with its stack, leaves the checkpoint, and the run goes on from there with as many workers', async () => {
    const { whole, throws, more, resumed } = await child({
      whole: { workers: 2 },
      throws: { workers: 2, fail: 'throws', step: 3 },
      more: { workers: 3, checkpoint: path('throws') },
      resumed: { workers: 2, checkpoint: path('throws') },
    });
    expect(throws).toMatchObject({
      losses: whole.losses.slice(0, 2),
      code: 'TRAINER_WORKER_FAILED',
      message: expect.stringMatching(
        /^worker 1 .*RangeError.*: the worker met its fate\n +at .*gradient-worker\.mjs:\d+:\d+/,
      ),
      leftOver: 0,
    });
    expect(more).toMatchObject({
      code: 'TRAINER_CONFIG_MISMATCH',
      message: expect.stringContaining('workers was 2 and is now 3'),
    });
    expect(resumed.losses).toEqual(whole.losses.slice(2));
    expect(resumed.sha256).toBe(whole.sha256);
  }, 120_000);

  it('is told apart when it exits, cannot be loaded, or serves nothing; nothing hangs', async () => {
    const ended = await child({
      exits: { workers: 2, fail: 'exits', step: 2 },
      missing: { workers: 2, module: './nowhere.mjs' },
      idle: { workers: 2, module: './mlp.mjs' },
      // Leaves the training after a step and never closes the workers.
      forgotten: { workers: 2, leaveAt: 1 },
    });
    expect(ended.exits).toMatchObject({ code: 'TRAINER_WORKER_FAILED', leftOver: 0 });
    expect(ended.exits.losses).toHaveLength(1);
    expect(ended.exits.message).toContain('ended with exit code 7');
    expect(ended.missing.message).toMatch(/Cannot find module .*nowhere\.mjs/);
    expect(ended.idle.message).toContain('ended with exit code 0');
    expect(ended.forgotten.losses).toHaveLength(1);
  }, 120_000);
});
