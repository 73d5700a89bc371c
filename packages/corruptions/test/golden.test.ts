import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory, type FixtureFolder, fixtures, openFixtures } from '@proj/fixtures';
import { describe, expect, it } from 'vitest';
import { corruptionNames } from '../src/index.ts';
import { compareGolden } from './golden.ts';

const implemented = (folder: FixtureFolder) =>
  [...compareGolden(folder)].filter(({ verdict }) => verdict !== 'not implemented');

const passing = /^(equal|within tolerance)$/;

describe("the reference code's outputs at 32 and 64 px, fed with its draws", () => {
  const rows = implemented(fixtures('rws'));

  it('cover every corruption, on three images of 32 px and one of 64', () => {
    expect(rows).toHaveLength(4 * corruptionNames.length);
  });

  it.each(rows)('$case: $verdict ($differing of $bytes bytes differ)', (row) => {
    expect(row.verdict, JSON.stringify(row)).toMatch(passing);
  });
});

// The 224 px cases are not committed.
const all = join(dataDirectory(), '..', 'fixtures', 'rws');

describe.runIf(existsSync(join(all, 'inputs', 'astronaut224.npy')))(
  "the reference code's outputs at 224 px",
  () => {
    it('are met by every corruption that has them', () => {
      const rows = implemented(openFixtures(all)).filter(({ case: name }) => name.includes('224'));
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row.verdict, JSON.stringify(row)).toMatch(passing);
    });
  },
);
