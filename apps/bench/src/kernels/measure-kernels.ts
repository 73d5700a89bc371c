import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@proj/tensor-io/node';
import { defineTask } from '../experiment.ts';
import type { EngineName } from './engine-names.ts';
import { type GroupName, groupSeconds, kernelGroup } from './groups.ts';
import { measureGroup } from './measure-group.ts';
import { writeModels } from './model-files.ts';
import { enginePrograms, nodeEngines } from './node-engines.ts';
import { enginesNode } from './peers.ts';
import type { GroupResult, Measured, RowResult } from './results.ts';

export type KernelsConfig = {
  readonly group: GroupName;
  readonly quick: boolean;
  readonly rounds: number;
  readonly engines: readonly EngineName[];
  /** The Node that engines run in: `recent` has relaxed SIMD and the revectorizer, from npm if need be; `this` is the running one. */
  readonly node: 'recent' | 'this';
};

export type KernelsResult = {
  readonly engines: Measured['engines'];
  readonly group: GroupResult;
};

/** Times one group of the kernels' benchmark, row by row; what is measured outlives a killed attempt. */
export const measureKernels = defineTask<KernelsConfig, KernelsResult>({
  name: 'measure-kernels',
  module: import.meta.url,
  programs: enginePrograms,
  resources: { cores: 2, memoryGiB: 4, timing: true },
  estimate: ({ group, quick, rounds }) => ({
    seconds: groupSeconds(kernelGroup(group, quick), rounds),
    bytes: 0,
  }),
  async run({ config, scratch, signal, progress }) {
    const { quick, rounds, engines: wanted } = config;
    const group = kernelGroup(config.group, quick);
    const total = group.rows.reduce((sum, { weight }) => sum + weight, 0);
    const tell = (message: string) => progress(0, total, message);
    const node = config.node === 'recent' ? await enginesNode(tell) : process.execPath;
    await writeModels(scratch, group);
    const engines = nodeEngines({ node, models: scratch, tell });
    const saved = savedRows(join(scratch, 'rows.json'));
    const { rows, about } = await saved.read();
    const measured = await measureGroup(group, engines, {
      engines: wanted,
      rounds,
      quick,
      clock: 'cpu',
      known: rows,
      finished: (soFar) => saved.write({ rows: soFar.rows, about: { ...about, ...engines.about } }),
      tell: (seconds, detail) => progress(Math.floor(seconds), total, detail),
      signal,
    });
    return { engines: { ...about, ...engines.about }, group: measured };
  },
});

interface Saved {
  readonly rows: readonly RowResult[];
  readonly about: Measured['engines'];
}

/** The rows that are measured, and what they were measured with. */
function savedRows(path: string) {
  return {
    async read(): Promise<Saved> {
      return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as Saved) : { rows: [], about: {} };
    },
    write: (saved: Saved) => writeFileAtomic(path, Buffer.from(JSON.stringify(saved))),
  };
}
