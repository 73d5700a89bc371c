// Tasks for tests of the runner. What they do is noted in a side file that only grows, so that everything that ran is counted.
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTask } from '../../dist/experiment.js';

const note = (text) => appendFileSync(process.env.BENCH_TEST_NOTES, `${text}\n`);

/** A deterministic random walk that saves its position every ten steps. */
export const walk = defineTask({
  name: 'walk',
  module: import.meta.url,
  estimate: ({ steps, bytes = 1000 }) => ({ seconds: steps / 50, bytes }),
  async run({ config: { name, steps, pause }, seed, scratch, files, metrics, signal, progress }) {
    const checkpoint = join(scratch, 'position.json');
    let at = { step: 0, x: 0, state: seed + 1 };
    if (existsSync(checkpoint)) {
      at = JSON.parse(readFileSync(checkpoint, 'utf8'));
      metrics.resumeAt(at.step);
    }
    const save = () => {
      writeFileSync(`${checkpoint}.tmp`, JSON.stringify(at));
      renameSync(`${checkpoint}.tmp`, checkpoint);
    };
    note(`${name} begins as ${process.pid}`);
    while (at.step < steps) {
      if (signal.aborted) {
        save();
        throw signal.reason;
      }
      const state = (Math.imul(at.state, 1664525) + 1013904223) >>> 0;
      at = { step: at.step + 1, x: at.x + state / 2 ** 32 - 0.5, state };
      note(`${name} step ${at.step}`);
      metrics.add(at.step, { x: at.x });
      if (at.step % 10 === 0) save();
      progress(at.step, steps, `x ${at.x.toFixed(2)}`);
      if (pause > 0) await sleep(pause);
    }
    writeFileSync(join(files, 'end.txt'), `${at.x}\n`);
    return { x: at.x };
  },
});

/** Adds up what it needs. */
export const sum = defineTask({
  name: 'sum',
  module: import.meta.url,
  estimate: () => ({ seconds: 1, bytes: 100 }),
  async run({ needs }) {
    note('sum begins');
    return { x: Object.values(needs).reduce((total, { result }) => total + result.x, 0) };
  },
});

/** Goes wrong until it has begun often enough: `times` -1 is never. */
export const fragile = defineTask({
  name: 'fragile',
  module: import.meta.url,
  async run({ config: { times } }) {
    note('fragile begins');
    const begun = readFileSync(process.env.BENCH_TEST_NOTES, 'utf8').match(/fragile begins/g).length;
    if (times < 0 || begun <= times) {
      console.log('what was printed before it broke');
      throw new Error(`broke at attempt ${begun}`);
    }
    return { x: 1 };
  },
});

/** Computes for ever, without ever letting the event loop turn. */
export const busy = defineTask({
  name: 'busy',
  module: import.meta.url,
  async run({ config: { silent }, signal, progress }) {
    note(`busy begins as ${process.pid}`);
    for (let i = 0; ; i++) {
      if (i % 1000 === 0 && !silent) progress(i, 1e12);
      if (signal.aborted) throw signal.reason;
    }
  },
});

/** Says when it runs, and on which processors. */
export const timed = defineTask({
  name: 'timed',
  module: import.meta.url,
  resources: { timing: true },
  estimate: () => ({ seconds: 100, bytes: 0 }),
  async run({ config: { name } }) {
    note(`${name} from ${Date.now()}`);
    const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
    await sleep(300);
    note(`${name} to ${Date.now()}`);
    return { processors: /Cpus_allowed_list:\s*(.+)/.exec(status)?.[1] ?? '' };
  },
});

export const untimed = defineTask({ ...timed, name: 'untimed', resources: {} });
