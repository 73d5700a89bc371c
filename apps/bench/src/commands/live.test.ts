import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Board } from '../runner/board.ts';
import type { RunEvent } from '../runner/events.ts';
import type { Plan } from '../runner/plan.ts';
import { tableOf } from './live.ts';

function boardOf(n: number): Board {
  const jobs = Array.from({ length: n }, (_, i) => ({
    schema: 'proj.bench.job/1' as const,
    id: `${i}`,
    label: `job ${i}`,
    identity: { task: 'task', config: {}, seed: i, data: {}, needs: {}, code: '' },
    module: '',
    resources: {},
    estimate: { seconds: 10, bytes: 0 },
  }));
  const plan: Plan = {
    schema: 'proj.bench.plan/1',
    experiment: 'e',
    module: '',
    preset: 'smoke',
    settings: {},
    overrides: {},
    jobs,
  };
  const estimates = new Map(jobs.map(({ id, estimate }) => [id, estimate]));
  const board = new Board(plan, estimates, { cores: 1, memoryGiB: 8 });
  for (const { id } of jobs) board.take({ id, state: 'queued' }, 0);
  return board;
}

const left = (board: Board, now: number) => board.rows(now)[0]!.secondsLeft;

describe('the time that is left', () => {
  it('of a job is estimated, then seen from its steps, not counting those of before its checkpoint', () => {
    const board = boardOf(1);
    board.take({ id: '0', state: 'running', attempt: 1 }, 100);
    expect(left(board, 103)).toBe(7);
    board.take({ id: '0', state: 'running', attempt: 1, done: 50, total: 100 }, 104);
    expect(left(board, 104)).toBe(6);
    board.take({ id: '0', state: 'running', attempt: 1, done: 60, total: 100 }, 109);
    expect(left(board, 109)).toBe(20);
  });

  it('begins anew with an attempt', () => {
    const board = boardOf(1);
    for (const [attempt, now] of [
      [1, 0],
      [2, 100],
    ] as const) {
      board.take({ id: '0', state: 'running', attempt }, now);
      board.take({ id: '0', state: 'running', attempt, done: 1, total: 11 }, now + 1);
      board.take({ id: '0', state: 'running', attempt, done: 2, total: 11 }, now + 2);
      expect(left(board, now + 2)).toBe(9);
      board.take({ id: '0', state: 'retrying', attempt }, now + 3);
    }
  });

  it('of all follows from what finished jobs took', () => {
    const board = boardOf(4);
    expect(board.secondsLeft(0)).toBe(40);
    board.take({ id: '0', state: 'running', attempt: 1 }, 0);
    board.take({ id: '0', state: 'done' }, 30);
    expect(board.secondsLeft(30)).toBe(90);
  });
});

describe('the time that is left of work whose amount nobody knows', () => {
  it('is what was estimated, and never less than nothing', () => {
    const board = boardOf(1);
    board.take({ id: '0', state: 'running', attempt: 1, done: 1, total: 0 }, 100);
    board.take({ id: '0', state: 'running', attempt: 1, done: 9, total: 0 }, 104);
    expect(left(board, 104)).toBe(6);
    expect(board.secondsLeft(200)).toBe(0);
  });
});

describe('the table', () => {
  const failed: RunEvent = {
    id: '7',
    state: 'failed',
    attempt: 3,
    message: 'out of luck',
    log: ['first', '\u001b[31mlast but one\u001b[0m', 'last\rline'],
  };

  it('of many jobs shows what runs, what failed with its last lines, what is next, and how many there are', () => {
    const board = boardOf(500);
    for (let i = 20; i < 120; i++) board.take({ id: `${i}`, state: 'done' }, 1);
    board.take({ id: '3', state: 'running', attempt: 1, done: 4, total: 10, detail: 'loss 0.5' }, 1);
    board.take({ id: '4', state: 'stalled', attempt: 1 }, 1);
    board.take(failed, 1);
    const text = tableOf(board, 120, 24);
    expect(text.split('\n').length).toBeLessThanOrEqual(24);
    expect(text).toMatch(/job 3 .*running.*4\/10 \(40 %\).*loss 0\.5/);
    expect(text).toMatch(/job 4 .*stalled/);
    expect(text).toMatch(/job 7 .*failed.*out of luck/);
    expect(text).toContain('job 7:  last but one \njob 7: last line');
    expect(text).toContain('100 of 500 jobs done, 1 running, 1 stalled, 1 failed, 397 queued, about ');
    expect(text).not.toContain('job 400');
  });

  it('fits a small terminal with many running jobs', () => {
    const board = boardOf(500);
    for (let i = 0; i < 100; i++) board.take({ id: `${i}`, state: 'running', attempt: 1 }, 1);
    const lines = tableOf(board, 60, 20).split('\n');
    expect(lines.length).toBeLessThanOrEqual(20);
    const widths = lines.slice(0, -1).map((line) => stripVTControlCharacters(line).length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(60);
  });

  it('keeps the lines of a job that failed within the terminal, whatever is in them', () => {
    const board = boardOf(2);
    board.take({ ...failed, id: '0', log: ['漢'.repeat(100), `\u001b[2J${'x'.repeat(100)}`] }, 1);
    const lines = tableOf(board, 60, 20).split('\n').slice(-3, -1);
    expect(lines).toEqual([`job 0: ${'漢'.repeat(26)}`, expect.stringMatching(/^job 0: .{52}$/)]);
  });

  it('of a run that is over is its last line', () => {
    const board = boardOf(2);
    for (const id of ['0', '1']) board.take({ id, state: 'done' }, 1);
    expect(tableOf(board, 80, 24)).toBe('2 of 2 jobs done');
  });
});
