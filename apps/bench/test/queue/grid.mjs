// The experiment of the queue's tests: jobs that hash, step by step, with a checkpoint after each.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

export const chain = {
  name: 'chain',
  module: import.meta.url,
  async run({ config, seed, needs, scratch, files, metrics, signal, progress }) {
    const file = join(scratch, 'checkpoint.json');
    const begin = [config.name, seed, ...Object.values(needs).map(({ result }) => result.value)];
    let { step, value } = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : { step: 0, value: sha256(begin.join()) };
    metrics.resumeAt(step);
    while (step < config.steps) {
      if (signal.aborted) throw signal.reason;
      await wait(100);
      step++;
      value = sha256(value);
      metrics.add(step, { head: Number.parseInt(value.slice(0, 8), 16) });
      writeFileSync(`${file}.tmp`, JSON.stringify({ step, value }));
      renameSync(`${file}.tmp`, file);
      progress(step, config.steps);
    }
    writeFileSync(join(files, 'value.txt'), value);
    return { value };
  },
};

/** Fails until there is a certain file. */
export const broken = {
  name: 'broken',
  module: import.meta.url,
  async run({ config }) {
    if (!existsSync(config.until)) throw new Error('it is broken');
    return { value: 'mended' };
  },
};

const job = (task, label, config, needs = {}, resources = {}) => ({
  task,
  label,
  config,
  seed: 0,
  data: [],
  needs,
  resources,
});

const shapes = {
  /** Twelve jobs in four layers, most of them needed by several. */
  grid({ steps, salt }) {
    const layers = [];
    for (let layer = 0; layer < 4; layer++) {
      const before = layers.at(-1) ?? [];
      layers.push(
        [0, 1, 2].map((i) => {
          const name = `${layer}-${i}`;
          const needs =
            before.length === 0 ? {} : { a: before[i], b: before[(i + 1) % 3], top: layers[0][0] };
          return job(chain, name, { name: `${salt} ${name}`, steps }, needs);
        }),
      );
    }
    return layers.flat();
  },
  /** Jobs that need nothing. */
  row({ steps, salt, width }) {
    return Array.from({ length: width }, (_, i) =>
      job(chain, `${salt}-${i}`, { name: `${salt} ${i}`, steps }),
    );
  },
  failing({ steps, until }) {
    const good = job(chain, 'good', { name: 'good', steps });
    const bad = job(broken, 'bad', { until }, { good });
    const next = job(chain, 'next', { name: 'next', steps }, { bad, good });
    return [bad, job(chain, 'last', { name: 'last', steps }, { next })];
  },
  demanding({ steps }) {
    return [
      job(chain, 'plain', { name: 'plain', steps }),
      job(chain, 'gpu', { name: 'gpu', steps }, {}, { tags: ['gpu'] }),
      job(chain, 'large', { name: 'large', steps }, {}, { memoryGiB: 500 }),
    ];
  },
};

const preset = { about: 'for tests', settings: { shape: 'grid', steps: 10, salt: 'a', width: 1, until: '' } };

export default {
  name: 'grid',
  title: 'Grid',
  about: 'Hashes.',
  presets: { smoke: preset, study: preset, full: preset },
  jobs: (settings) => shapes[settings.shape](settings),
  report: () => [],
};
