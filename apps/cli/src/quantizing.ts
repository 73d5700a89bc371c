import { rm } from 'node:fs/promises';
import { batches } from '@proj/datasets';
import type { QuantizeEvent } from '@proj/recipes';
import { stateSha256 } from '@proj/tensor-io';
import { writeFileAtomic, writeSafetensors } from '@proj/tensor-io/node';
import type { Trained } from '@proj/trainer';
import { wasmRecipes } from './backend.ts';
import { annealInstead, checkContinuation, refuseTraining } from './continuing.ts';
import { makeFolder, requireAbsent, writing } from './files.ts';
import { interruption } from './interruption.ts';
import { labelsTell } from './labels.ts';
import { lastOscillation } from './last-oscillation.ts';
import type { Output } from './output.ts';
import { filesIn, type Job, prepare, type QuantizeOptions } from './quantization-job.ts';
import { type Quantized, reportQuantized } from './quantization-report.ts';
import { interrupted, onceBegun, showTraining } from './show-training.ts';

/** Quantizes into a folder, going on from the checkpoint in it; whatever can be refused is refused before any work. */
export async function quantizeModel(
  options: QuantizeOptions,
  args: readonly string[],
  output: Output,
): Promise<void> {
  const signal = interruption();
  const files = filesIn(options.out);
  const { packed, latent } = files;
  for (const file of [packed, latent]) await requireAbsent(file, options.force, annealInstead(options));
  checkContinuation(options);
  const recipes = await wasmRecipes(options.flavour, output);
  const job = await prepare(options, files, recipes, output);
  const { formatPlan } = await import('@proj/vit/quantized');
  output.note(`${job.config.name} with ${job.design.weights} weights and ${job.design.attention} attention`);
  output.note(formatPlan(job.config, job.design));
  await makeFolder(options.out);
  if (options.calibrateOnly === true) {
    const { parameters, buffers } = await calibrated(job);
    if (options.force === true) await remove(files);
    const { fromTensors } = await import('@proj/tensor-io/tfjs');
    const sha256 = await stateSha256(await fromTensors(parameters));
    await finish(job, { parameters, buffers, sha256, steps: 0 });
    return;
  }
  const end = await trained(job, recipes, signal);
  if (end.kind === 'stopped') throw interrupted(end, args);
  await finish(job, { ...end, steps: end.step });
}

/** The steps of all quantizers from the first batch, and no training: weights rounded to the nearest level. */
async function calibrated({
  config,
  design,
  start,
  recipe,
  calibrationImages,
  dataset,
}: Job): Promise<Trained> {
  const { calibrate } = await import('@proj/vit/quantized');
  const { preprocess } = await import('@proj/vit');
  const { tensor } = await import('@tensorflow/tfjs-core');
  const { toTensors } = await import('@proj/tensor-io/tfjs');
  const { seed } = recipe;
  const batchSize = Math.min(recipe.batchSize, calibrationImages ?? recipe.batchSize);
  const first = await batches(dataset, { seed, batchSize, epoch: 0 }).next();
  const { images } = first.value!;
  const { imageSize, channels } = config;
  const shape: [number, number, number, number] = [batchSize, channels, imageSize, imageSize];
  return calibrate(
    config,
    design,
    toTensors(start.state),
    tensor(preprocess(images, batchSize, config), shape),
  );
}

async function trained(
  job: Job,
  { kernelReport, quantizeClassifier }: Awaited<ReturnType<typeof wasmRecipes>>,
  signal: AbortSignal,
) {
  const { options, files, config, classNames, design, recipe, calibrationImages, dataset, output } = job;
  const { checkpointFile } = await import('@proj/trainer/node');
  const { quantizationWorkers } = await import('@proj/recipes/node');
  const { workers, checkpointEvery, oscillationEvery, force } = options;
  const store = checkpointFile(files.checkpoint);
  const resume = force === true ? undefined : await store.load();
  if (resume !== undefined) refuseTraining(resume, recipe, options);
  const epochSteps = Math.floor(dataset.length / recipe.batchSize);
  const { epochs, cooldownEpochs, annealing } = recipe;
  const toCome = (job.continueFrom ? 0 : epochs + cooldownEpochs) + (annealing?.epochs ?? 0);
  // What is shorter than an epoch is told of at its end.
  const everySteps = oscillationEvery ?? Math.max(1, Math.round(Math.min(1, toCome) * epochSteps));
  const events = quantizeClassifier({
    config,
    classNames,
    design,
    recipe,
    dataset,
    start: job.start.state,
    ...(job.teacher && { teacher: job.teacher }),
    continueFrom: job.continueFrom,
    calibrationImages,
    oscillation: { everySteps },
    workers: quantizationWorkers(workers),
    provenance: { kernels: kernelReport().flavour },
    checkpoints: {
      store: { save: (state) => writing(store.save(state)) },
      everySteps: checkpointEvery,
    },
    ...(resume && { resume }),
    signal,
  });
  return showTraining<Extract<QuantizeEvent, { kind: 'calibrated' | 'annealing' | 'oscillation' }>>(
    onceBegun(events, async () => {
      if (force === true) await remove(files);
    }),
    output,
    async (event) => {
      if (event.kind === 'calibrated') output.note(`steps set on the first ${event.images} images`);
      if (event.kind === 'annealing') output.note(`annealing from step ${event.step} on`);
      if (event.kind === 'oscillation') {
        const bytes = new TextEncoder().encode(`${JSON.stringify({ step: event.step, ...event.record })}\n`);
        await writing(writeFileAtomic(files.oscillation, bytes));
      }
    },
  );
}

/** The checkpoint first: without it, a model that is still there is not taken for its result. */
async function remove({ checkpoint, latent, packed, oscillation }: Job['files']): Promise<void> {
  for (const file of [checkpoint, latent, packed, oscillation]) await writing(rm(file, { force: true }));
}

/** Writes both models, the packed one last, so that it is there only when all is. */
async function finish(
  job: Job,
  { parameters, buffers, sha256, steps }: Trained & { readonly sha256: string; readonly steps: number },
): Promise<void> {
  const { config, design, classNames, files, options, startFile, dataset, output } = job;
  const { fromTensors } = await import('@proj/tensor-io/tfjs');
  const { packedMetadata, packModel, quantizedMetadata, weightErrors } = await import('@proj/vit/quantized');
  const state = await fromTensors(new Map([...parameters, ...buffers]));
  const latent = new Map([['proj', quantizedMetadata(config, design, classNames)]]);
  await writing(writeSafetensors(files.latent, state, latent));
  const packed = new Map([['proj', packedMetadata(config, design, classNames)]]);
  await writing(writeSafetensors(files.packed, await packModel(config, design, parameters, buffers), packed));
  const quantized: Quantized = {
    config,
    design,
    dataset: dataset.name,
    steps,
    sha256,
    files: { start: startFile, latent: files.latent, packed: files.packed },
    data: options.data,
    resize: options.resize === true,
    labelled: labelsTell({ config, classNames }, dataset),
    errors: await weightErrors(config, design, parameters),
    oscillation: steps === 0 ? undefined : await lastOscillation(files.oscillation),
  };
  await reportQuantized(quantized, output);
}
