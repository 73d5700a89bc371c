import { rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { CorruptionName } from '@proj/corruptions';
import type { ImageDataset } from '@proj/datasets';
import type { ClassifierRecipe } from '@proj/recipes';
import { stateSha256 } from '@proj/tensor-io';
import { writeSafetensors } from '@proj/tensor-io/node';
import { type VitConfig, vitConfig, vitMetadata } from '@proj/vit/forward';
import type { FlavourChoice } from '@proj/wasm-kernels/install';
import { wasmRecipes } from './backend.ts';
import { openData } from './dataset.ts';
import { usageError } from './exit.ts';
import { makeFolder, requireAbsent, writing } from './files.ts';
import { interruption } from './interruption.ts';
import { type ModelFile, readModel } from './model-file.ts';
import type { GlobalOptions } from './options.ts';
import type { Output } from './output.ts';
import { interrupted, onceBegun, showTraining, type TrainingEvent } from './show-training.ts';

export interface TrainOptions extends GlobalOptions {
  readonly data: string;
  readonly split: 'train' | 'test';
  readonly out: string;
  readonly model?: string;
  readonly start?: string;
  readonly corruption?: CorruptionName;
  readonly severity: number;
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly warmupEpochs: number;
  readonly weightDecay: number;
  readonly cropPadding: number;
  readonly flip?: boolean;
  readonly workers: number;
  readonly flavour: FlavourChoice;
  readonly checkpointEvery: number;
  readonly force?: boolean;
}

/** Trains into a folder, going on from the checkpoint in it; whatever can be refused is refused before any work. */
export async function trainModel(
  options: TrainOptions,
  args: readonly string[],
  output: Output,
): Promise<void> {
  const { out, corruption, force } = options;
  const signal = interruption();
  const model = join(out, 'model.safetensors');
  const checkpoint = join(out, 'checkpoint.safetensors');
  await requireAbsent(model, force);
  const start = await readStart(options, model);
  const wanted = start?.config ?? vitConfig(options.model ?? 'vit_cifar_32');
  const size = { size: wanted.imageSize, cropPct: wanted.preprocessing.cropPct };
  const clean = await openData(options.data, { split: options.split, size });
  if (options.batchSize > clean.length) {
    throw usageError(`--batch-size ${options.batchSize}: there are only ${clean.length} images.`);
  }
  if (options.workers > options.batchSize) {
    throw usageError(`--workers ${options.workers}: a step has only ${options.batchSize} images for them.`);
  }
  const config = start?.config ?? { ...wanted, classes: clean.classNames.length };
  const classNames =
    start?.classNames ?? (clean.classNames.length === config.classes ? clean.classNames : undefined);
  const metadata = new Map([['proj', vitMetadata(config, classNames)]]);
  const { kernelReport, requireFit, trainClassifier } = await wasmRecipes(options.flavour, output);
  requireFit(clean, config, classNames);
  await makeFolder(out);
  const { checkpointFile } = await import('@proj/trainer/node');
  const { classifierWorkers } = await import('@proj/recipes/node');
  const store = checkpointFile(checkpoint);
  const resume = force === true ? undefined : await store.load();
  const dataset = await trainingImages(clean, options, output, signal);
  const events = trainClassifier({
    config,
    classNames,
    recipe: recipeOf(options),
    dataset,
    workers: classifierWorkers(options.workers),
    ...(start && { start: start.state }),
    provenance: {
      start: start === undefined ? null : await stateSha256(start.state),
      corruptionSeed: corruption === undefined ? null : options.seed,
      kernels: kernelReport().flavour,
    },
    checkpoints: {
      store: { save: (state) => writing(store.save(state)) },
      everySteps: options.checkpointEvery,
    },
    ...(resume && { resume }),
    signal,
  });
  const end = await showTraining(
    onceBegun(events, async () => {
      // The checkpoint first: without it, a model that is still there is not taken for its result.
      if (force === true) for (const file of [checkpoint, model]) await writing(rm(file, { force: true }));
    }),
    output,
  );
  if (end.kind === 'stopped') throw interrupted(end, args);
  await finish(end, { model, config, metadata, dataset }, output);
}

/** The model to begin with, which --force must not delete. */
async function readStart(
  { start, model: name }: TrainOptions,
  model: string,
): Promise<ModelFile | undefined> {
  if (start === undefined) return undefined;
  if (resolve(start) === resolve(model)) {
    throw usageError(`--start ${start} is what this training is to write; choose another --out.`);
  }
  return readModel(start, name);
}

/** Corrupted once and for all where asked for; clean images are read when their turn comes. */
async function trainingImages(
  clean: ImageDataset,
  { corruption: name, severity, seed }: TrainOptions,
  output: Output,
  signal: AbortSignal,
): Promise<ImageDataset> {
  if (name === undefined) return clean;
  const { corrupted, inMemory } = await import('@proj/recipes');
  const bar = output.progress('corrupting', clean.length);
  try {
    const progress = ({ count }: { count: number }) => bar.update(count);
    return await inMemory(corrupted(clean, { name, severity, seed }), { signal, progress });
  } finally {
    bar.end();
  }
}

interface Result {
  readonly model: string;
  readonly config: VitConfig;
  readonly metadata: ReadonlyMap<string, string>;
  readonly dataset: ImageDataset;
}

async function finish(
  { parameters, step: steps, sha256 }: TrainingEvent<'done'>,
  { model, config, metadata, dataset }: Result,
  output: Output,
): Promise<void> {
  const { fromTensors } = await import('@proj/tensor-io/tfjs');
  await writing(writeSafetensors(model, await fromTensors(parameters), metadata));
  const bytes = (await stat(model)).size;
  output.result(
    'proj.train/1',
    { model, architecture: config.name, dataset: dataset.name, steps, sha256, bytes },
    () => `${model}: ${config.name}, ${steps} steps on ${dataset.name}\nSHA-256 of the parameters ${sha256}`,
  );
}

function recipeOf(options: TrainOptions): ClassifierRecipe {
  const { seed, epochs, batchSize, learningRate, minLearningRate, warmupEpochs, weightDecay, cropPadding } =
    options;
  const flip = options.flip === true;
  return {
    seed,
    epochs,
    batchSize,
    learningRate,
    minLearningRate,
    warmupEpochs,
    weightDecay,
    ...((cropPadding > 0 || flip) && { augmentation: { cropPadding, flip } }),
  };
}
