// A deterministic random walk that saves its position every ten steps, for tests of the runner.
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineExperiment, defineTask, job } from '../../dist/experiment.js';

/** Where executions are counted, as a side file that only grows: one line a step, `label step`. */
const note = (text) => appendFileSync(process.env.WALK_NOTES, `${text}\n`);

export const walk = defineTask({
  name: 'walk',
  module: import.meta.url,
  estimate: ({ steps }) => ({ seconds: steps / 50, bytes: 1000 }),
  async run({ config: { name, steps, pause }, seed, scratch, files, metrics, signal, progress }) {
    const checkpoint = join(scratch, 'position.json');
    let at = { step: 0, x: 0, state: seed * 2654435761 + 1 };
    if (existsSync(checkpoint)) {
      at = JSON.parse(readFileSync(checkpoint, 'utf8'));
      metrics.resumeAt(at.step);
    }
    const save = () => {
      writeFileSync(`${checkpoint}.tmp`, JSON.stringify(at));
      renameSync(`${checkpoint}.tmp`, checkpoint);
    };
    note(`${name} starts at ${at.step}`);
    while (at.step < steps) {
      if (signal.aborted) {
        save();
        throw signal.reason;
      }
      const state = (Math.imul(at.state, 1664525) + 1013904223) >>> 0;
      at = { step: at.step + 1, x: at.x + state / 2 ** 32 - 0.5, state };
      note(`${name} ${at.step}`);
      metrics.add(at.step, { x: at.x });
      if (at.step % 10 === 0) save();
      progress(at.step, steps, `x ${at.x.toFixed(2)}`);
      await sleep(pause);
    }
    writeFileSync(join(files, 'end.txt'), `${at.x}\n`);
    return { x: at.x };
  },
});

export const sum = defineTask({
  name: 'sum',
  module: import.meta.url,
  estimate: () => ({ seconds: 1, bytes: 100 }),
  async run({ needs, config: { name } }) {
    note(`${name} starts at 0`);
    return { x: Object.values(needs).reduce((total, { result }) => total + result.x, 0) };
  },
});

export default defineExperiment({
  name: 'walk',
  title: 'Random walks',
  about: 'Where random walks end.',
  presets: {
    smoke: { about: 'two walks', settings: { walks: 2, steps: 60, pause: 10, label: 'walk' } },
    study: { about: 'four walks', settings: { walks: 4, steps: 400, pause: 10, label: 'walk' } },
    full: { about: 'many walks', settings: { walks: 40, steps: 400, pause: 10, label: 'walk' } },
  },
  jobs({ walks, steps, pause, label }) {
    const all = Array.from({ length: walks }, (_, i) =>
      job(walk, { label: `${label} ${i}`, config: { name: `walk-${i}`, steps, pause }, seed: i }),
    );
    const needs = Object.fromEntries(all.map((walk, i) => [`walk${i}`, walk]));
    return [job(sum, { label: 'sum', config: { name: 'sum' }, needs })];
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
