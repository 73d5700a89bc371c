import type { Config, Machine } from '../experiment.ts';
import { duration } from './format.ts';
import { type DoneJob, isDone, type Report } from './report.ts';
import type { TableSection } from './section.ts';

/** Where the results come from: machines, versions, data, jobs and files, as tables that are folded up on the page. */
export function provenance(report: Report): TableSection[] {
  const done = report.jobs.filter(isDone);
  if (done.length === 0) return [];
  return [
    settingsTable(report),
    machineTable(done),
    dataTable(report),
    jobTable(report),
    codeTable(report),
    fileTable(done),
  ].filter(({ rows }) => rows.length > 0);
}

const folded = (table: Omit<TableSection, 'kind' | 'folded'>): TableSection => ({
  kind: 'table',
  folded: true,
  ...table,
});

const settingsTable = ({ preset, settings }: Report): TableSection =>
  folded({
    title: 'Settings',
    note: `Those of the preset “${preset}”, with what was changed by --set.`,
    head: ['setting', 'value'],
    rows: Object.entries(settings).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : String(value),
    ]),
  });

/** Machines are told apart by what they are: a container's host name says nothing to others. */
const machineText = ({ processor, cores, memoryGiB, system }: Machine): string =>
  `${processor}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${memoryGiB} GiB, ${system}`;

const versionsText = ({ run }: DoneJob): string =>
  Object.entries(run.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

const environmentText = (job: DoneJob): string => `${machineText(job.run.machine)}; ${versionsText(job)}`;

const environments = (done: readonly DoneJob[]): string[] => [...new Set(done.map(environmentText))];

function machineTable(done: readonly DoneJob[]): TableSection {
  const rows = environments(done).map((environment, i) => {
    const jobs = done.filter((job) => environmentText(job) === environment);
    const seconds = jobs.reduce((sum, { run }) => sum + run.seconds, 0);
    const [first] = jobs;
    return [
      String(i + 1),
      machineText(first!.run.machine),
      versionsText(first!),
      jobs.length,
      duration(seconds),
    ];
  });
  return folded({
    title: 'Machines and versions',
    head: ['number', 'machine', 'versions', 'jobs', 'time, all jobs'],
    rows,
  });
}

function dataTable({ jobs }: Report): TableSection {
  const data = new Map(jobs.flatMap((job) => Object.entries(job.data)));
  return folded({
    title: 'Data',
    head: ['data', 'fingerprint'],
    rows: [...data].sort(([a], [b]) => (a < b ? -1 : 1)),
  });
}

/** Only experiments on kernels choose a flavour of them. */
const flavourOf = ({ config }: Report['jobs'][number]): string | null =>
  typeof config['flavour'] === 'string' ? config['flavour'] : null;

function jobTable({ jobs }: Report): TableSection {
  const machines = environments(jobs.filter(isDone));
  const flavours = jobs.some((job) => flavourOf(job) !== null);
  const needs = jobs.some((job) => Object.keys(job.needs).length > 0);
  return folded({
    title: 'Jobs',
    note: 'An id is the hash of task, configuration, seed, data, needed jobs and code; jobs with the same id have the same result. A machine is a line of the table of machines.',
    head: [
      'job',
      'id',
      'state',
      'task',
      'seed',
      ...(flavours ? ['kernel flavour'] : []),
      'seconds',
      'attempts',
      'machine',
      'configuration',
      ...(needs ? ['needs'] : []),
    ],
    rows: jobs.map((job) => [
      job.label,
      job.id,
      job.state,
      job.task,
      String(job.seed),
      ...(flavours ? [flavourOf(job)] : []),
      ...(isDone(job)
        ? [job.run.seconds, job.run.attempts, String(machines.indexOf(environmentText(job)) + 1)]
        : [null, null, null]),
      configText(job.config),
      ...(needs ? [needsText(job.needs)] : []),
    ]),
  });
}

const needsText = (needs: Readonly<Record<string, string>>): string =>
  Object.entries(needs)
    .map(([name, id]) => `${name} ${id}`)
    .join(', ');

const configText = (config: Config): string =>
  Object.entries(config)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');

function codeTable({ jobs }: Report): TableSection {
  const versions = new Map(jobs.map(({ task, code }) => [`${task} ${code}`, [task, code]]));
  return folded({
    title: 'Code',
    note: 'One hash over all files and packages that a task runs.',
    head: ['task', 'SHA-256'],
    rows: [...versions.values()],
  });
}

const fileTable = (done: readonly DoneJob[]): TableSection =>
  folded({
    title: 'Results and files',
    note: 'What the jobs left in the store.',
    head: ['job', 'id', 'file', 'bytes', 'SHA-256'],
    rows: done.flatMap(({ label, id, files, resultSha256 }) => [
      [label, id, 'result.json', null, resultSha256],
      ...files.map(({ name, bytes, sha256 }) => [label, id, name, bytes, sha256]),
    ]),
  });

/** The report in a line: how much is done, where, how long it took. */
export function facts(report: Report): string[] {
  const done = report.jobs.filter(isDone);
  const seeds = [...new Set(done.map(({ seed }) => seed))].sort((a, b) => a - b);
  const machines = [...new Set(done.map(({ run }) => machineText(run.machine)))];
  const seconds = done.reduce((sum, { run }) => sum + run.seconds, 0);
  const flavours = [...new Set(done.map(flavourOf).filter((flavour) => flavour !== null))];
  return [
    `Preset ${report.preset}`,
    `${done.length} of ${report.jobs.length} jobs done`,
    ...(done.length === 0
      ? []
      : [
          seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds.join(', ')}`,
          `${duration(seconds)} of computing`,
          ...(flavours.length === 0 ? [] : [`kernels: ${flavours.join(', ')}`]),
          machines.length === 1 ? machines[0]! : `${machines.length} kinds of machine`,
        ]),
  ];
}
