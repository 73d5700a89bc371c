import { join } from 'node:path';
import { stateSha256 } from '@proj/tensor-io';
import { writeSafetensors } from '@proj/tensor-io/node';
import { defineTask, type TaskContext } from '../experiment.ts';
import { openParts, type PoolConfig, partSize } from './images.ts';
import { type Flavour, startKernels } from './kernels.ts';
import { type LooksConfig, underCorruptions } from './looks.ts';
import { MODEL_FILE } from './model.ts';
import {
  corruptionSeconds,
  type Network,
  type NetworkConfig,
  networkBytes,
  networkMetadata,
  networkOf,
  networkSeconds,
  openNetwork,
} from './network.ts';
import { overheadSeconds } from './speed.ts';

/** How a network is optimised: a cosine from the rate to a hundredth of it, after a linear warm-up. */
export type OptimizerConfig = {
  /** SGD has momentum 0.9. */
  readonly optimizer: 'sgd' | 'adamw';
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly warmupEpochs: number;
};

export type TrainNetworkConfig = PoolConfig &
  LooksConfig &
  OptimizerConfig & {
    readonly network: NetworkConfig;
    readonly flavour: Flavour;
    readonly part: number;
    readonly epochs: number;
    readonly batchSize: number;
    readonly cropPadding: number;
    readonly flip: boolean;
    /** Default: so many steps as take about ten seconds. */
    readonly checkpointSteps?: number;
  };

export type TrainNetworkResult = {
  /** `stateSha256` of parameters and running statistics. */
  readonly sha256: string;
  /** The same of the model that it went on from. */
  readonly start: string | null;
  readonly bytes: number;
  readonly images: number;
  readonly steps: number;
};

/** Of work that a killed training may lose. */
const checkpointSeconds = 10;
const metricsLineBytes = 70;

/** Trains a network of either kind on clean, corrupted or variously corrupted images, from drawn weights or on from `needs.start`. */
export const trainNetwork = defineTask<TrainNetworkConfig, TrainNetworkResult>({
  name: 'train-network',
  module: import.meta.url,
  estimate(config) {
    const network = networkOf(config.network, 10);
    const images = partSize(config, config.part);
    const corrupting = config.corruptions.length === 0 ? 0 : images * corruptionSeconds;
    return {
      seconds: overheadSeconds + corrupting + networkSeconds(network, 3 * config.epochs * images),
      bytes: networkBytes(network) + (metricsLineBytes * config.epochs * images) / config.batchSize,
    };
  },
  run,
});

async function run(context: TaskContext<TrainNetworkConfig>): Promise<TrainNetworkResult> {
  const { config, seed, needs, scratch, files, metrics, signal, progress } = context;
  const { flavour, part, epochs, batchSize, cropPadding, flip } = config;
  await startKernels(flavour);
  const { batches, stepsPerEpoch } = await import('@proj/datasets');
  const { fromTensors } = await import('@proj/tensor-io/tfjs');
  const { train } = await import('@proj/trainer');
  const { checkpointFile } = await import('@proj/trainer/node');
  const live = await import('./live-network.ts');
  const dataset = await underCorruptions((await openParts(config))(part), config, context);
  const network = networkOf(config.network, dataset.classNames.length);
  live.requireImages(network, dataset);
  const start = needs['start'] && (await openNetwork(needs['start']));
  // Who goes on from another training draws an order and a head of their own.
  const own = start === undefined ? seed : seed + 1;
  const steps = stepsPerEpoch({ length: dataset.length, batchSize, dropLast: true });

  const store = checkpointFile(join(scratch, 'checkpoint.safetensors'));
  const resume = await store.load();
  metrics.resumeAt(resume?.position.globalStep ?? 0);
  const { optimizer, learningRate, weightDecay, warmupEpochs } = config;
  const events = train({
    ...(start === undefined
      ? live.freshState(network, own)
      : await live.startFrom(network, start.state, own)),
    valueAndGradients: live.gradientsOf(network),
    optimizer: await optimizerOf(config, steps),
    ...{ epochs, stepsPerEpoch: steps },
    batch: async (epoch, firstStep) => {
      const order = { batchSize, seed: own, epoch, firstStep, dropLast: true };
      for await (const batch of batches(dataset, { ...order, augment: { cropPadding, flip } }))
        return live.toBatch(network, batch);
      throw new RangeError(`pass ${epoch} has no step ${firstStep}`);
    },
    config: {
      ...{ model: network.config.name, start: start?.sha256 ?? 'drawn', dataset: dataset.name, flavour },
      ...{ seed: own, epochs, batchSize, optimizer, learningRate, weightDecay, warmupEpochs },
      ...{ cropPadding, flip },
    },
    checkpoints: { store, everySteps: config.checkpointSteps ?? stepsIn(network, batchSize) },
    resume,
    signal,
  });
  const total = epochs * steps;
  for await (const event of events) {
    if (event.kind === 'step') {
      const { step, loss, learningRate } = event;
      metrics.add(step, { loss, 'learning rate': learningRate });
      progress(step, total, `loss ${loss.toFixed(3)}`);
    } else if (event.kind === 'stopped') throw signal.reason;
    else if (event.kind === 'done') {
      const state = await fromTensors(new Map([...event.parameters, ...event.buffers]));
      const metadata = new Map([['proj', networkMetadata(network, dataset.classNames)]]);
      await writeSafetensors(join(files, MODEL_FILE), state, metadata);
      return {
        sha256: await stateSha256(state),
        start: start?.sha256 ?? null,
        bytes: networkBytes(network),
        images: dataset.length,
        steps: event.step,
      };
    }
  }
  throw new Error('the training ended without telling how');
}

async function optimizerOf(config: TrainNetworkConfig, steps: number) {
  const { adamw, cosine, sgd } = await import('@proj/trainer');
  const { learningRate: base, weightDecay, warmupEpochs, epochs } = config;
  const warmup = Math.round(warmupEpochs * steps);
  const learningRate = cosine({ base, min: base / 100, warmup, warmupFrom: 0, total: epochs * steps });
  return config.optimizer === 'sgd'
    ? sgd({ learningRate, momentum: 0.9, weightDecay })
    : adamw({ learningRate, weightDecay });
}

const stepsIn = (network: Network, batchSize: number): number =>
  Math.max(1, Math.round(checkpointSeconds / networkSeconds(network, 3 * batchSize)));
