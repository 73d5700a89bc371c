import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory, fixtures, openFixtures } from '@proj/fixtures';
import { describe, expect, it } from 'vitest';
import { corruptionNames } from '../src/index.ts';
import { compareGolden } from './golden.ts';

const passing = /^(equal|within tolerance)$/;

describe("the reference code's outputs at 32 and 64 px, fed with its draws", () => {
  const rows = [...compareGolden(fixtures('rws'))];

  it('cover every corruption, on three images of 32 px and one of 64', () => {
    expect(rows).toHaveLength(4 * corruptionNames.length);
  });

  it.each(rows)('$case: $verdict ($differing of $bytes bytes differ)', (row) => {
    expect(row.verdict, JSON.stringify(row)).toMatch(passing);
  });
});

describe('the comparison', () => {
  const folder = fixtures('rws');
  const changed = (file: string, by: number, bytes: number) => ({
    ...folder,
    npy(name: string) {
      const array = folder.npy(name);
      if (name !== file) return array;
      const data = (array.data as Uint8Array).map((level, i) => (i < bytes ? level ^ by : level));
      return { ...array, data };
    },
  });
  const verdict = (file: string, by: number, bytes: number) =>
    [...compareGolden(changed(file, by, bytes), { select: ({ out }) => out === file })][0]!.verdict;

  it('fails an exact case for one byte that is one level off', () => {
    expect(verdict('out/rings32__contrast.npy', 1, 1)).toBe('FAIL');
  });

  it('passes an inexact case up to its share of bytes one level off, and not beyond', () => {
    // 1.5 times 0.0117 of 3,072 bytes.
    expect(verdict('out/rings32__gaussian_blur.npy', 1, 54)).toBe('within tolerance');
    expect(verdict('out/rings32__gaussian_blur.npy', 1, 55)).toBe('FAIL');
    expect(verdict('out/rings32__gaussian_blur.npy', 2, 1)).toBe('FAIL');
  });
});

// The 224 px cases are not committed.
const all = join(dataDirectory(), '..', 'fixtures', 'rws');

describe.runIf(existsSync(join(all, 'inputs', 'astronaut224.npy')))(
  "the reference code's outputs at 224 px",
  () => {
    it('are met by every corruption that has them', () => {
      const rows = [...compareGolden(openFixtures(all), { select: ({ image }) => image === 'astronaut224' })];
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row.verdict, JSON.stringify(row)).toMatch(passing);
    });
  },
);
