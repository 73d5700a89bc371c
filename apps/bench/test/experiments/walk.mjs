import { defineExperiment, job } from '../../dist/experiment.js';
import { sum, walk } from './walk-tasks.mjs';

export default defineExperiment({
  name: 'walk',
  title: 'Random walks',
  about: 'Where random walks end.',
  presets: {
    smoke: { about: 'two walks', settings: { walks: 2, steps: 60, pause: 10, label: 'walk', bytes: 1000 } },
    study: { about: 'four walks', settings: { walks: 4, steps: 400, pause: 10, label: 'walk', bytes: 1000 } },
    full: { about: 'many walks', settings: { walks: 40, steps: 400, pause: 10, label: 'walk', bytes: 1000 } },
  },
  jobs({ walks, steps, pause, label, bytes }) {
    const all = Array.from({ length: walks }, (_, i) =>
      job(walk, {
        label: `${label} ${i}`,
        config: { name: `walk-${i}`, steps, pause, ...(bytes !== 1000 && { bytes }) },
        seed: i,
      }),
    );
    const needs = Object.fromEntries(all.map((walk, i) => [`walk${i}`, walk]));
    return [job(sum, { label: 'sum', config: {}, needs })];
  },
  report: (outcome) => [
    {
      kind: 'table',
      title: 'Ends',
      head: ['walk', 'x'],
      rows: outcome.of(walk).map(({ label, result }) => [label, result.x]),
    },
  ],
});
