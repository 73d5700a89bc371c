import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { batches, type ImageDataset } from '@proj/datasets';
import type { PublishedRecipe, QuantizationRecipe, QuantizeEvent } from '@proj/recipes';
import { stateSha256 } from '@proj/tensor-io';
import { writeFileAtomic, writeSafetensors } from '@proj/tensor-io/node';
import type { Trained } from '@proj/trainer';
import type { SwinConfig, VitConfig } from '@proj/vit/forward';
import type { QuantizedDesign } from '@proj/vit/quantized';
import type { FlavourChoice } from '@proj/wasm-kernels/install';
import { wasmRecipes } from './backend.ts';
import { openData } from './dataset.ts';
import { usageError } from './exit.ts';
import { makeFolder, requireAbsent, writing } from './files.ts';
import { interruption } from './interruption.ts';
import { lastOscillation } from './last-oscillation.ts';
import { type FloatModelFile, readFloatModel } from './model-file.ts';
import type { GlobalOptions } from './options.ts';
import type { Output } from './output.ts';
import { publishedStart } from './published-start.ts';
import { designOf, publishedRecipe, type RecipeOptions, recipeOf } from './quantization-recipe.ts';
import { type Quantized, reportQuantized } from './quantization-report.ts';
import { interrupted, showTraining } from './show-training.ts';

export interface QuantizeOptions extends GlobalOptions, RecipeOptions {
  readonly data: string;
  readonly split: 'train' | 'test';
  readonly limit?: number;
  readonly out: string;
  readonly start?: string;
  readonly model?: string;
  readonly resize?: boolean;
  readonly calibrateOnly?: boolean;
  readonly workers: number;
  readonly flavour: FlavourChoice;
  readonly checkpointEvery: number;
  readonly oscillationEvery?: number;
  readonly force?: boolean;
}

/** Files of a quantization. The first two are its result, the last what a further annealing could go on from. */
const filesIn = (out: string) => ({
  packed: join(out, 'model.ofq.safetensors'),
  latent: join(out, 'model.safetensors'),
  oscillation: join(out, 'oscillation.json'),
  checkpoint: join(out, 'checkpoint.safetensors'),
});

/** Everything that a quantization is made of. */
interface Job {
  readonly options: QuantizeOptions;
  readonly files: ReturnType<typeof filesIn>;
  readonly startFile: string;
  readonly start: FloatModelFile;
  readonly config: VitConfig | SwinConfig;
  readonly classNames: readonly string[] | undefined;
  readonly design: QuantizedDesign;
  readonly recipe: QuantizationRecipe;
  /** How many images of the first batch set LSQ's steps: all of it where undefined. */
  readonly calibrationImages: number | undefined;
  readonly dataset: ImageDataset;
  readonly output: Output;
}

/** Quantizes into a folder, going on from the checkpoint in it; whatever can be refused is refused before any work. */
export async function quantizeModel(
  options: QuantizeOptions,
  args: readonly string[],
  output: Output,
): Promise<void> {
  const signal = interruption();
  const files = filesIn(options.out);
  const { packed, latent } = files;
  for (const file of [packed, latent]) await requireAbsent(file, options.force);
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

async function prepare(
  options: QuantizeOptions,
  files: Job['files'],
  { publishedRecipes, requireFit }: Awaited<ReturnType<typeof wasmRecipes>>,
  output: Output,
): Promise<Job> {
  const published = publishedRecipe(publishedRecipes, options);
  const startFile = await startOf(options, published);
  if (Object.values(files).some((file) => resolve(file) === resolve(startFile))) {
    throw usageError(`--start ${startFile} is what this is to write; choose another --out.`);
  }
  const start = await readFloatModel(startFile, options.model);
  const { config, classNames } = start;
  if (published !== undefined && published.model.name !== config.name) {
    output.note(
      `the recipe ${options.recipe} was published for ${published.model.name}; ${startFile} is a ${config.name}`,
    );
  }
  const design = designOf(config, published, options);
  const recipe = recipeOf(published, options);
  const size = { size: config.imageSize, cropPct: config.preprocessing.cropPct };
  const { data, split, limit, resize } = options;
  const dataset = await openData(data, { split, size, limit, resize });
  if (recipe.batchSize > dataset.length) {
    throw usageError(`--batch-size ${recipe.batchSize}: there are only ${dataset.length} images.`);
  }
  if (options.workers > recipe.batchSize) {
    throw usageError(`--workers ${options.workers}: a step has only ${recipe.batchSize} images for them.`);
  }
  requireFit(dataset, config, classNames);
  const known = classNames ?? (dataset.classNames.length === config.classes ? dataset.classNames : undefined);
  const calibrationImages = published?.calibrationImages;
  return {
    ...{ options, files, startFile, start, config, classNames: known },
    ...{ design, recipe, calibrationImages, dataset, output },
  };
}

async function startOf({ start }: QuantizeOptions, published: PublishedRecipe | undefined): Promise<string> {
  if (start !== undefined) return start;
  if (published !== undefined) return publishedStart(published.model.name);
  throw usageError('--start: give the float model to quantize; only a --recipe knows where to look for one.');
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
  { options, files, config, classNames, design, recipe, calibrationImages, dataset, start, output }: Job,
  { kernelReport, quantizeClassifier }: Awaited<ReturnType<typeof wasmRecipes>>,
  signal: AbortSignal,
) {
  const { checkpointFile } = await import('@proj/trainer/node');
  const { quantizationWorkers } = await import('@proj/recipes/node');
  const { workers, checkpointEvery, oscillationEvery, force } = options;
  const store = checkpointFile(files.checkpoint);
  const resume = force === true ? undefined : await store.load();
  const everySteps = oscillationEvery ?? Math.floor(dataset.length / recipe.batchSize);
  const events = quantizeClassifier({
    config,
    classNames,
    design,
    recipe,
    dataset,
    start: start.state,
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
  if (force === true) await remove(files);
  return showTraining<Extract<QuantizeEvent, { kind: 'calibrated' | 'annealing' | 'oscillation' }>>(
    events,
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
    errors: await weightErrors(config, design, parameters),
    oscillation: steps === 0 ? undefined : await lastOscillation(files.oscillation),
  };
  await reportQuantized(quantized, output);
}
