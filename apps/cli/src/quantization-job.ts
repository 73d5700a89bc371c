import { join, resolve } from 'node:path';
import type { ImageDataset } from '@proj/datasets';
import type { FloatModel, PublishedRecipe, QuantizationRecipe } from '@proj/recipes';
import type { Checkpoint } from '@proj/trainer';
import type { SwinConfig, VitConfig } from '@proj/vit/forward';
import type { QuantizedDesign } from '@proj/vit/quantized';
import type { FlavourChoice } from '@proj/wasm-kernels/install';
import type { wasmRecipes } from './backend.ts';
import { finishedTraining } from './continuing.ts';
import { openData } from './dataset.ts';
import { usageError } from './exit.ts';
import { type FloatModelFile, readFloatModel } from './model-file.ts';
import type { GlobalOptions } from './options.ts';
import type { Output } from './output.ts';
import { publishedStart } from './published-start.ts';
import { designOf, publishedRecipe, type RecipeOptions, recipeOf } from './quantization-recipe.ts';

export interface QuantizeOptions extends GlobalOptions, RecipeOptions {
  readonly data: string;
  readonly split: 'train' | 'test';
  readonly limit?: number;
  readonly out: string;
  readonly start?: string;
  readonly continueFrom?: string;
  readonly teacher?: string;
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
export const filesIn = (out: string) => ({
  packed: join(out, 'model.ofq.safetensors'),
  latent: join(out, 'model.safetensors'),
  oscillation: join(out, 'oscillation.json'),
  checkpoint: join(out, 'checkpoint.safetensors'),
});

/** Everything that a quantization is made of. */
export interface Job {
  readonly options: QuantizeOptions;
  readonly files: ReturnType<typeof filesIn>;
  readonly startFile: string;
  readonly start: FloatModelFile;
  /** Undefined where that is the start. */
  readonly teacher: FloatModel | undefined;
  /** The end of a training that is only to be annealed. */
  readonly continueFrom: Checkpoint | undefined;
  readonly config: VitConfig | SwinConfig;
  readonly classNames: readonly string[] | undefined;
  readonly design: QuantizedDesign;
  readonly recipe: QuantizationRecipe;
  /** How many images of the first batch set LSQ's steps: all of it where undefined. */
  readonly calibrationImages: number | undefined;
  readonly dataset: ImageDataset;
  readonly output: Output;
}

/** Everything that the options name, read and checked; without any training yet. */
export async function prepare(
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
  const teacher =
    options.teacher === undefined ? undefined : await readFloatModel(options.teacher, undefined);
  if (teacher !== undefined) requireFit(dataset, teacher.config, teacher.classNames);
  const known = classNames ?? (dataset.classNames.length === config.classes ? dataset.classNames : undefined);
  const calibrationImages = published?.calibrationImages;
  return {
    ...{ options, files, startFile, start, teacher, config, classNames: known },
    continueFrom: await finishedTraining(options, recipe),
    ...{ design, recipe, calibrationImages, dataset, output },
  };
}

async function startOf({ start }: QuantizeOptions, published: PublishedRecipe | undefined): Promise<string> {
  if (start !== undefined) return start;
  if (published !== undefined) return publishedStart(published.model.name);
  throw usageError('--start: give the float model to quantize; only a --recipe knows where to look for one.');
}
