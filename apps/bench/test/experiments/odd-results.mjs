import { defineExperiment, defineTask, job } from '../../dist/experiment.js';

const oddities = {
  nothing: () => undefined,
  number: () => ({ losses: [1, Number.NaN] }),
  weights: () => ({ weights: new Float32Array(2) }),
};

export const odd = defineTask({
  name: 'odd',
  module: import.meta.url,
  run: async ({ config }) => oddities[config.kind](),
});

/** Tells of every step, of an amount that it does not know. */
export const chatty = defineTask({
  name: 'chatty',
  module: import.meta.url,
  async run({ progress }) {
    for (let step = 0; step < 100_000; step++) progress(step, 0);
    return null;
  },
});

const preset = { about: 'all kinds', settings: {} };

export default defineExperiment({
  name: 'odd-results',
  title: 'Odd results',
  about: 'What is not JSON.',
  presets: { smoke: preset, study: preset, full: preset },
  jobs: () => [
    ...Object.keys(oddities).map((kind) => job(odd, { label: kind, config: { kind } })),
    job(chatty, { label: 'chatty', config: {} }),
  ],
  report: () => [],
});
