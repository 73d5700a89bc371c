// A store with results as jobs leave them, and an experiment that makes every kind of section of them.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { defineExperiment, defineTask, type Experiment, job, type RunRecord } from '../src/experiment.ts';
import { meanInterval } from '../src/report/statistics.ts';
import { sha256Of } from '../src/runner/identity.ts';
import { METRICS_FILE, metricsFile } from '../src/runner/metrics.ts';
import type { Plan } from '../src/runner/plan.ts';
import type { JobSpec } from '../src/runner/spec.ts';
import type { Store } from '../src/runner/store.ts';

type TrainConfig = { readonly corruption: string; readonly flavour: string };
type Trained = { readonly clean: number; readonly corrupted: number };

const train = defineTask<TrainConfig, Trained>({
  name: 'sample-train',
  module: import.meta.url,
  run: () => Promise.reject(new Error('its results are made below')),
});

const png = (
  await sharp(
    Uint8Array.from({ length: 28 * 28 }, (_, i) => (i * 7) % 256),
    {
      raw: { width: 28, height: 28, channels: 1 },
    },
  )
    .png()
    .toBuffer()
).toString('base64');

const settings = { seeds: [0, 1, 2], corruptions: ['fog', 'impulse_noise', 'contrast'] };
const preset = { about: 'three seeds', settings };

export const sample: Experiment<typeof settings> = defineExperiment({
  name: 'sample',
  title: 'Robustness as a patch: fog, impulse noise and contrast',
  about:
    'A small vision transformer is trained on handwritten digits, once clean and once per corruption; what the corruption did to its first layers becomes a signature that the clean model takes on and off.',
  presets: { smoke: preset, study: preset, full: preset },
  jobs: ({ seeds, corruptions }) =>
    corruptions.flatMap((corruption) =>
      seeds.map((seed) =>
        job(train, {
          label: `${corruption}, seed ${seed}`,
          config: { corruption, flavour: 'relaxed' },
          seed,
        }),
      ),
    ),
  report({ settings: { corruptions }, of }) {
    const trained = of(train);
    const rows = corruptions.map((corruption) => {
      const own = trained.filter(({ config }) => config.corruption === corruption);
      const mean = (pick: keyof Trained) =>
        own.length === 0 ? null : meanInterval(own.map(({ result }) => result[pick]));
      return { corruption, clean: mean('clean'), corrupted: mean('corrupted') };
    });
    const strengths = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5];
    return [
      {
        kind: 'table',
        title: 'Accuracy on the test images',
        note: 'Percent of 1,000 test images at severity 3 of 5. “Patched” is the standard model plus the signature of its corruption.',
        head: ['corruption', 'images', 'clean, %', 'corrupted, %', 'signature, bytes'],
        rows: rows.map(({ corruption, clean, corrupted }, i) => [
          corruption,
          1000,
          clean,
          corrupted,
          19_000 + 1234 * i,
        ]),
      },
      {
        kind: 'lines',
        title: 'Accuracy over the strength of the patch',
        note: 'The vertical rule is the strength that did best on validation images.',
        x: 'strength α of the patch',
        y: 'accuracy, %',
        yDomain: [0, 100],
        mark: 1,
        from: trained.slice(0, 2),
        series: corruptions.map((name, i) => ({
          name: `${name} images`,
          points: strengths.map((x) => {
            const y = 92 - (30 - 5 * i) * (x - 1) ** 2 - 4 * i;
            return { x, y, low: y - 2 - i, high: y + 2 + i };
          }),
        })),
      },
      {
        kind: 'lines',
        title: 'Training loss',
        x: 'step',
        y: 'training loss',
        series: corruptions.map((name, i) => ({
          name,
          points: Array.from({ length: 120 }, (_, step) => ({
            x: step * 10,
            y: 2.3 * Math.exp(-step / (25 + 8 * i)) + 0.05 * Math.sin(step / 3 + i) ** 2 + 0.1,
          })),
        })),
      },
      {
        kind: 'heat-map',
        title: 'Where the weights changed',
        note: '‖robust − standard‖ / ‖standard‖ for every weight tensor, first layers on top.',
        value: 'relative difference',
        columns: corruptions,
        rows: [
          'patch_embed.proj.weight',
          'blocks.0.attn.qkv.weight',
          'blocks.0.mlp.fc1.weight',
          'blocks.1.attn.qkv.weight',
          'head.weight',
        ].map((name, i) => ({
          name,
          values: corruptions.map((_, j) => (i === 3 && j === 1 ? null : 0.62 - 0.12 * i + 0.031 * j)),
        })),
      },
      {
        kind: 'images',
        title: 'The first test images in fog',
        note: 'What the standard and the patched model take them for.',
        width: 84,
        images: Array.from({ length: 6 }, (_, i) => ({
          png,
          alt: `a ${i} in fog`,
          caption: [
            { text: `is ${i}` },
            { text: `before: ${i % 2 ? i : 8}`, verdict: i % 2 ? ('right' as const) : ('wrong' as const) },
            { text: `after: ${i}`, verdict: 'right' as const },
          ],
        })),
      },
      {
        kind: 'published',
        title: 'The paper’s numbers beside ours',
        rows: [
          {
            what: 'Accuracy on corrupted images, invented for this sample',
            published: '12.3 → 45.6 %',
            source: 'table 0 of a paper that does not exist',
            ours: rows[0]!.corrupted,
            difference:
              'Not comparable as numbers, for both are made up. What should hold, and does, is that this column is long enough to wrap.',
          },
          {
            what: 'A size, invented as well',
            published: '7.8 ×',
            source: 'section 0.0',
            ours: 5.7,
            difference: 'None that means anything.',
          },
        ],
      },
      {
        kind: 'table',
        title: 'What was tried on the validation images',
        folded: true,
        digits: [0, 2, 1],
        head: ['units', 'strength', 'accuracy, %'],
        rows: strengths.map((alpha, i) => [1 + (i % 3), alpha, 90 - 4 * (alpha - 1) ** 2]),
      },
      {
        kind: 'text',
        title: 'What this shows',
        text: [
          'The patch brings back most of what fog costs, and taking it off restores every bit.',
          'It is one small model and one data set; the study has more.',
        ],
      },
    ];
  },
});

const record = (i: number): RunRecord => ({
  finished: `2026-05-0${1 + i}T10:00:00.000Z`,
  seconds: 41.5 + i,
  attempts: i === 1 ? 2 : 1,
  machine: {
    host: 'a-container',
    processor: 'AMD EPYC 9B14',
    cores: 2,
    memoryGiB: 24,
    system: 'Linux 6.1.0',
  },
  versions: { node: '20.20.2', v8: '11.3.244.8', '@tensorflow/tfjs-core': '4.22.0' },
});

/** The plan of an experiment, without looking at code and data: ids are of task, configuration and seed. */
export function planOf(experiment: Experiment, module = 'bench:experiments/sample.js'): Plan {
  const { settings } = experiment.presets.smoke;
  return {
    schema: 'proj.bench.plan/1',
    experiment: experiment.name,
    module,
    preset: 'smoke',
    settings,
    overrides: {},
    jobs: experiment.jobs(settings).map(({ task, config, seed, label }) => ({
      schema: 'proj.bench.job/1',
      id: sha256Of(JSON.stringify([task.name, config, seed])).slice(0, 16),
      identity: {
        task: task.name,
        config,
        seed,
        data: { digits: sha256Of('digits') },
        needs: {},
        code: sha256Of('code'),
      },
      label,
      module: 'bench:tasks/sample.js',
      resources: {},
      estimate: { seconds: 60, bytes: 0 },
    })),
  };
}

/** Puts the result of a job into the store, with thirty lines of metrics. */
export async function finish(store: Store, spec: JobSpec, index: number): Promise<void> {
  const made = join(store.folder(spec.id), 'making');
  await mkdir(made, { recursive: true });
  await store.describe(spec);
  const metrics = metricsFile(join(made, METRICS_FILE));
  for (let step = 0; step < 30; step++)
    metrics.add(step, { loss: 2 / (step + 1), 'accuracy/clean': step / 30 });
  metrics.close();
  const { seed } = spec.identity;
  await store.complete(
    spec,
    made,
    { clean: 97 + seed / 3, corrupted: 88.5 + seed - index / 7 },
    record(seed),
  );
}
