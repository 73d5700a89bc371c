// Another experiment, with a walk that `walk` has as well.
import { defineExperiment, job } from '../../dist/experiment.js';
import { walk } from './walk-tasks.mjs';

const settings = { seeds: [1, 7] };

export default defineExperiment({
  name: 'stroll',
  title: 'Strolls',
  about: 'Where strolls end.',
  presets: {
    smoke: { about: 'two strolls', settings },
    study: { about: 'two strolls', settings },
    full: { about: 'two strolls', settings },
  },
  jobs: ({ seeds }) =>
    seeds.map((seed) =>
      job(walk, { label: `stroll ${seed}`, config: { name: `walk-${seed}`, steps: 60, pause: 10 }, seed }),
    ),
  report: () => [],
});
