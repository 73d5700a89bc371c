import { join } from 'node:path';
import type { StateDict } from '@proj/tensor-io';
import { writeSafetensors } from '@proj/tensor-io/node';
import { type VitConfig, vitMetadata } from '@proj/vit/forward';
import { defineTask, type TaskContext } from '../experiment.ts';
import {
  type CorruptionConfig,
  openParts,
  type Parts,
  type PoolConfig,
  partSize,
  underCorruption,
} from './images.ts';
import { type Flavour, startKernels } from './kernels.ts';
import { type Accuracy, accuracyOf } from './measure.ts';
import { MODEL_FILE, type ModelConfig, modelConfig, openModel, parameterBytes } from './model.ts';
import { overheadSeconds, passSeconds } from './speed.ts';

export type TrainConfig = ModelConfig &
  PoolConfig &
  CorruptionConfig & {
    readonly flavour: Flavour;
    readonly trainPart: number;
    /** Measured after every epoch, in the looks that are trained on and clean; nothing is chosen by it. */
    readonly validationPart?: number;
    readonly epochs: number;
    readonly batchSize: number;
    readonly learningRate: number;
    readonly minLearningRate: number;
    readonly warmupEpochs: number;
    readonly weightDecay: number;
    readonly cropPadding: number;
    readonly flip: boolean;
    /** Default: so many steps as take about ten seconds. */
    readonly checkpointSteps?: number;
  };

export type TrainResult = {
  /** `stateSha256` of the parameters. */
  readonly sha256: string;
  /** The same of the model that it went on from. */
  readonly start: string | null;
  readonly parameters: number;
  /** Of the parameters. */
  readonly bytes: number;
  readonly images: number;
  readonly steps: number;
  /** After the last epoch, on the validation part where there is one; `corrupted` where the training was. */
  readonly validation: { readonly clean: Accuracy; readonly corrupted: Accuracy | null } | null;
};

/** Of work that a killed training may lose. */
const checkpointSeconds = 10;
const metricsLineBytes = 70;

/** Trains a vision transformer, from drawn weights or on from `needs.start`. */
export const trainClassifier = defineTask<TrainConfig, TrainResult>({
  name: 'train-classifier',
  module: import.meta.url,
  estimate(config) {
    const { trainPart, validationPart, epochs, batchSize, corruption } = config;
    const model = modelConfig(config, 10);
    const images = partSize(config, trainPart);
    const looks = corruption === undefined ? 1 : 2;
    const evaluated = validationPart === undefined ? 0 : looks * partSize(config, validationPart);
    return {
      seconds: overheadSeconds + epochs * passSeconds(model, 3 * images + evaluated),
      bytes: parameterBytes(model) + (metricsLineBytes * epochs * images) / batchSize,
    };
  },
  run,
});

async function run(context: TaskContext<TrainConfig>): Promise<TrainResult> {
  const { config, seed, needs, scratch, files, metrics, signal, progress } = context;
  const { flavour, epochs, batchSize, cropPadding, flip } = config;
  await startKernels(flavour);
  const { trainClassifier: train } = await import('@proj/recipes');
  const { checkpointFile } = await import('@proj/trainer/node');
  const { fromTensors } = await import('@proj/tensor-io/tfjs');
  const part = await openParts(config);
  const dataset = await underCorruption(part(config.trainPart), config, context);
  const model = modelConfig(config, dataset.classNames.length);
  const validate = await validation(context, part, model);
  const start = needs['start'] && (await openModel(needs['start']));

  const store = checkpointFile(join(scratch, 'checkpoint.safetensors'));
  const resume = await store.load();
  metrics.resumeAt(resume?.position.globalStep ?? 0);
  const { learningRate, minLearningRate, warmupEpochs, weightDecay } = config;
  const events = train<Validation>({
    config: model,
    recipe: {
      // Who goes on from another training draws an order of their own.
      seed: start === undefined ? seed : seed + 1,
      ...{ epochs, batchSize, learningRate, minLearningRate, warmupEpochs, weightDecay },
      augmentation: { cropPadding, flip },
    },
    dataset,
    ...(start && { start: start.state }),
    ...(validate && { evaluate: async ({ parameters }) => validate(await fromTensors(parameters)) }),
    provenance: { start: start?.sha256 ?? 'drawn', flavour },
    checkpoints: {
      store,
      everySteps: config.checkpointSteps ?? stepsIn(checkpointSeconds, model, batchSize),
    },
    resume,
    signal,
  });
  const total = epochs * Math.floor(dataset.length / batchSize);
  let latest: Validation | undefined;
  for await (const event of events) {
    if (event.kind === 'step') {
      const { step, loss, learningRate } = event;
      metrics.add(step, { loss, 'learning rate': learningRate });
      progress(step, total, `loss ${loss.toFixed(3)}`);
    } else if (event.kind === 'evaluation') {
      latest = event.result;
      const { clean, corrupted } = latest;
      metrics.add(event.step, {
        'clean accuracy': clean.top1,
        ...(corrupted && { 'corrupted accuracy': corrupted.top1 }),
      });
    } else if (event.kind === 'stopped') throw signal.reason;
    else if (event.kind === 'done') {
      const state = await fromTensors(event.parameters);
      const metadata = new Map([['proj', vitMetadata(model, dataset.classNames)]]);
      await writeSafetensors(join(files, MODEL_FILE), state, metadata);
      const bytes = [...state.values()].reduce((sum, tensor) => sum + tensor.bytes.length, 0);
      // Who resumes behind the last step has not seen the last evaluation.
      const validated = latest ?? (await validate?.(state)) ?? null;
      return {
        sha256: event.sha256,
        start: start?.sha256 ?? null,
        parameters: bytes / 4,
        bytes,
        images: dataset.length,
        steps: event.step,
        validation: validated,
      };
    }
  }
  throw new Error('the training ended without telling how');
}

type Validation = NonNullable<TrainResult['validation']>;

/** Measures on the validation part; undefined where there is none. */
async function validation(context: TaskContext<TrainConfig>, part: Parts, model: VitConfig) {
  const { validationPart, corruption, corruptionSeed } = context.config;
  if (validationPart === undefined) return undefined;
  const clean = part(validationPart);
  const look = { ...context.config, corruptionSeed: corruptionSeed + 1 };
  const corrupted = corruption === undefined ? undefined : await underCorruption(clean, look, context);
  // Not stopped by the signal, so that the trainer gets to save its checkpoint.
  return async (state: StateDict): Promise<Validation> => ({
    clean: await accuracyOf(state, model, clean),
    corrupted: corrupted === undefined ? null : await accuracyOf(state, model, corrupted),
  });
}

const stepsIn = (seconds: number, model: VitConfig, batchSize: number): number =>
  Math.max(1, Math.round(seconds / passSeconds(model, 3 * batchSize)));
