import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixtures, openFixtures } from '@proj/fixtures';
import { kernelReport } from '@proj/wasm-kernels/install';
import { describe, expect, it } from 'vitest';
import { compareOfq, passes } from '../src/ofq/compare.ts';
import { availableEngines, type Engine } from '../src/ofq/engines.ts';

// Where the wide kernels were put in force beforehand, others would take their place for good.
const engines: (Engine | undefined)[] = kernelReport().flavour === 'wide' ? [undefined] : availableEngines();

describe.each(engines)('the OFQ reference code and the packages, engine %s', (engine) => {
  it('agree on all that its 85 cases hold: quantizers, layers, models, and trainings to their last weight', async () => {
    const rows = await compareOfq(fixtures('ofq'), engine);
    expect(rows.filter((row) => !passes(row))).toEqual([]);
    expect(rows).toHaveLength(85);
  });
});

it('a case whose file is gone fails by itself, under its name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ofq-'));
  try {
    await cp(fixtures('ofq').path, folder, { recursive: true });
    await rm(join(folder, 'statsq_w2.json.br'));
    const failed = (await compareOfq(openFixtures(folder))).filter((row) => !passes(row));
    expect(failed).toMatchObject([{ case: 'statsq_w2', failure: expect.stringContaining('statsq_w2') }]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
