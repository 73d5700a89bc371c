import { defineExperiment, job } from '../../dist/experiment.js';
import { busy, fragile, sum, timed, untimed, walk } from './walk-tasks.mjs';

const none = { fails: 0, busy: false, silent: false, timed: 0, untimed: 0 };

export default defineExperiment({
  name: 'trouble',
  title: 'Trouble',
  about: 'What can go wrong.',
  presets: {
    smoke: { about: 'a job that needs a fragile one', settings: { ...none, fails: -1 } },
    study: { about: 'a job that does not let the event loop turn', settings: { ...none, busy: true } },
    full: { about: 'jobs that measure time', settings: { ...none, timed: 2, untimed: 4 } },
  },
  jobs(settings) {
    const several = (task, name, n) =>
      Array.from({ length: n }, (_, i) =>
        job(task, { label: `${name} ${i}`, config: { name: `${name}-${i}` } }),
      );
    const jobs = [
      ...several(untimed, 'untimed', settings.untimed),
      ...several(timed, 'timed', settings.timed),
    ];
    if (settings.busy) jobs.push(job(busy, { label: 'busy', config: { silent: settings.silent } }));
    if (settings.fails !== 0) {
      const broken = job(fragile, { label: 'fragile', config: { times: settings.fails } });
      const whole = job(walk, { label: 'whole', config: { name: 'whole', steps: 1, pause: 0 } });
      jobs.push(job(sum, { label: 'dependent', config: {}, needs: { broken } }), whole);
    }
    return jobs;
  },
  report: () => [],
});
