import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageDataset } from '@proj/datasets';
import type { NamedTensors } from '@proj/ops';
import type { QuantizationRecipe } from '@proj/recipes';
import { stateSha256 } from '@proj/tensor-io';
import { writeSafetensors } from '@proj/tensor-io/node';
import type { Checkpoint } from '@proj/trainer';
import type { VitConfig } from '@proj/vit/forward';
import { defineTask, type TaskContext } from '../experiment.ts';
import { imageCount, openImages } from './images.ts';
import { startKernels } from './kernels.ts';
import { modelConfig, type OpenedModel, openModel, parameterBytes } from './model.ts';
import { OSCILLATION_FILE, oscillationFile } from './oscillation-file.ts';
import { CHECKPOINT_FILE, PACKED_FILE, type QuantizeConfig, type QuantizeResult } from './quantize-config.ts';
import { quantizedAccuracy } from './quantized-accuracy.ts';
import { quantizedDesign } from './quantized-design.ts';
import { overheadSeconds, passSeconds } from './speed.ts';

/** Of work that a killed training may lose. */
const checkpointSeconds = 10;
/** As many points as a curve can show. */
const metricsLines = 500;
/** A training step in passes forward: the float model's three, a quarter more for quantizers and QKR, and the teacher's one. */
const stepPasses = 4.75;

/**
 * Quantizes the float model `needs.float` by distillation from itself, or only sets its steps, or goes on from `needs.training`; packs
 * the result.
 */
export const quantizeClassifier = defineTask<QuantizeConfig, QuantizeResult>({
  name: 'quantize-classifier',
  module: import.meta.url,
  estimate(config) {
    const { model, images, design, keepCheckpoint, calibrationImages } = config;
    const float = modelConfig(model, 10);
    const bytes = parameterBytes(float);
    return {
      seconds:
        overheadSeconds +
        passSeconds(
          float,
          ownEpochs(config) * (stepPasses * imageCount(images) + 1.25 * imageCount(config.validation ?? [])) +
            calibrationImages,
        ),
      bytes: (bytes * design.bits) / 32 + (keepCheckpoint ? 3 * bytes : 0),
    };
  },
  run,
});

/** Epochs that this job trains, without those of the training it goes on from. */
const ownEpochs = ({ epochs, cooldownEpochs, annealing }: QuantizeConfig): number =>
  annealing?.epochs ?? epochs + cooldownEpochs;

async function run(context: TaskContext<QuantizeConfig>): Promise<QuantizeResult> {
  const { config, needs, files } = context;
  await startKernels(config.flavour);
  const float = await openModel(needs['float']!);
  const dataset = await openImages(config.images);
  const made = await (config.epochs === 0 ? calibrated : trained)(context, float, dataset);
  const { parameters, buffers } = made;

  const { packedMetadata, packModel } = await import('@proj/vit/quantized');
  const { fromTensors } = await import('@proj/tensor-io/tfjs');
  const design = await quantizedDesign(float.config, config.design);
  const packed = await packModel(float.config, design, parameters, buffers);
  const metadata = new Map([['proj', packedMetadata(float.config, design, dataset.classNames)]]);
  await writeSafetensors(join(files, PACKED_FILE), packed, metadata);
  const { size } = await stat(join(files, PACKED_FILE));
  return {
    sha256: await stateSha256(await fromTensors(parameters)),
    float: float.sha256,
    parameters: [...parameters.values()].reduce((sum, tensor) => sum + tensor.size, 0),
    images: dataset.length,
    steps: made.steps,
    oscillation: made.oscillation,
    bytes: { packed: size, float32: parameterBytes(float.config) },
  };
}

interface Made {
  readonly parameters: NamedTensors;
  readonly buffers: NamedTensors;
  readonly steps: number;
  readonly oscillation: QuantizeResult['oscillation'];
}

/** Steps set on the images that a training would begin with; weights as they are in the float model. */
async function calibrated(
  { config, seed }: TaskContext<QuantizeConfig>,
  float: OpenedModel,
  dataset: ImageDataset,
): Promise<Made> {
  const { calibrate } = await import('@proj/vit/quantized');
  const { toTensors } = await import('@proj/tensor-io/tfjs');
  const design = await quantizedDesign(float.config, config.design);
  const { modelInputs } = await import('./model-inputs.ts');
  const { epochOrder, subset } = await import('@proj/datasets');
  const first = subset(
    dataset,
    epochOrder(dataset.length, orderSeed(seed), 0).subarray(0, config.calibrationImages),
  );
  const images = await modelInputs(float.config, first, 0, first.length);
  const weights = toTensors(float.state);
  const model = calibrate(float.config, design, weights, images);
  for (const tensor of [...weights.values(), images]) tensor.dispose();
  return { ...model, steps: 0, oscillation: null };
}

async function trained(
  context: TaskContext<QuantizeConfig>,
  float: OpenedModel,
  dataset: ImageDataset,
): Promise<Made> {
  const { config, seed, needs, scratch, files, metrics, signal, progress } = context;
  const { quantizeClassifier: quantize } = await import('@proj/recipes');
  const { checkpointFile } = await import('@proj/trainer/node');
  const stepsPerEpoch = Math.floor(dataset.length / config.batchSize);
  const epochs = config.epochs + config.cooldownEpochs + (config.annealing?.epochs ?? 0);
  const total = Math.round(epochs * stepsPerEpoch);
  const everyStep = Math.max(1, Math.floor(total / metricsLines));
  const records = config.oscillationRecords;

  const checkpoint = join(scratch, CHECKPOINT_FILE);
  const store = checkpointFile(checkpoint);
  const resume = await store.load();
  const before =
    needs['training'] === undefined || resume !== undefined
      ? undefined
      : await checkpointFile(needs['training'].file(CHECKPOINT_FILE)).load();
  const from = (resume ?? before)?.position.globalStep ?? 0;
  const recipe = recipeOf(config, seed);
  metrics.resumeAt(from);
  const oscillations = oscillationFile(join(scratch, OSCILLATION_FILE));
  oscillations.resumeAt(from);
  const design = await quantizedDesign(float.config, config.design);
  const validate =
    config.validation && (await quantizedAccuracy(float.config, design, await openImages(config.validation)));
  const events = quantize<number>({
    config: float.config,
    design,
    start: float.state,
    recipe,
    dataset,
    calibrationImages: config.calibrationImages,
    ...(records > 0 && {
      oscillation: { everySteps: Math.max(1, Math.floor((ownEpochs(config) * stepsPerEpoch) / records)) },
    }),
    ...(validate && { evaluate: validate }),
    continueFrom: recipe.annealing && before,
    provenance: { start: float.sha256, flavour: config.flavour },
    checkpoints: {
      store,
      everySteps: config.checkpointSteps ?? stepsIn(checkpointSeconds, float.config, config.batchSize),
    },
    resume: resume ?? (recipe.annealing ? undefined : cooled(before, recipe)),
    signal,
  });
  let oscillation: QuantizeResult['oscillation'] = null;
  for await (const event of events) {
    if (event.kind === 'step') {
      const { step, loss, learningRate } = event;
      if (step % everyStep === 0) metrics.add(step, { loss, 'learning rate': learningRate });
      progress(step, total, `loss ${loss.toFixed(3)}`);
    } else if (event.kind === 'evaluation') {
      metrics.add(event.step, { accuracy: event.result });
    } else if (event.kind === 'oscillation') {
      oscillation = event.record.shares;
      oscillations.add(event.step, event.record);
    } else if (event.kind === 'stopped') throw signal.reason;
    else if (event.kind === 'done') {
      if (records > 0) oscillations.keep(join(files, OSCILLATION_FILE));
      if (config.keepCheckpoint) await copyFile(checkpoint, join(files, CHECKPOINT_FILE));
      const { parameters, buffers, step } = event;
      return { parameters, buffers, steps: step, oscillation };
    }
  }
  throw new Error('the training ended without telling how');
}

/** The float model's training drew an order of its own. */
const orderSeed = (seed: number): number => seed + 1;

function recipeOf(config: QuantizeConfig, seed: number): QuantizationRecipe {
  const { epochs, batchSize, learningRate, minLearningRate, warmupEpochs } = config;
  const { weightDecay, labels, cropPadding, flip, against, annealing } = config;
  const cooldownEpochs = config.cooldownEpochs + (annealing?.boundaryRange === null ? annealing.epochs : 0);
  return {
    seed: orderSeed(seed),
    ...{
      epochs,
      cooldownEpochs,
      batchSize,
      learningRate,
      minLearningRate,
      warmupEpochs,
      weightDecay,
      labels,
    },
    warmupLearningRate: minLearningRate,
    // Few epochs.
    scheduled: 'step',
    ...((cropPadding > 0 || flip) && { augmentation: { cropPadding, flip } }),
    ...(against && { against }),
    ...(annealing &&
      annealing.boundaryRange !== null && {
        annealing: { ...annealing, boundaryRange: annealing.boundaryRange },
      }),
  };
}

/** The last checkpoint of a training as one of the same training with more epochs of cool-down: those that are done are the same. */
const cooled = (
  finished: Checkpoint | undefined,
  { cooldownEpochs }: QuantizationRecipe,
): Checkpoint | undefined => finished && { ...finished, config: { ...finished.config, cooldownEpochs } };

const stepsIn = (seconds: number, model: VitConfig, batchSize: number): number =>
  Math.max(1, Math.round(seconds / passSeconds(model, stepPasses * batchSize)));
