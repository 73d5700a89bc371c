import '@tensorflow/tfjs-backend-wasm';
import '@proj/ops/gradients';
import { batches, type ImageDataset, subset } from '@proj/datasets';
import { openPacks } from '@proj/datasets/node';
import { dataDirectory, hasData } from '@proj/fixtures';
import { stateSha256 } from '@proj/tensor-io';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { crossEntropy, evaluate, sgd, tapeGradients, train } from '@proj/trainer';
import { install } from '@proj/wasm-kernels/install';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ConvnetConfig,
  convnet,
  convnetConfigs,
  floatLayers,
  initConvnet,
  preprocess,
  trainingForward,
} from './index.ts';

const pack = 'packs/cifar10_data_batch_1.med.br';
const batchSize = 32;
const epochs = 5;

const small: Readonly<Record<string, ConvnetConfig>> = {
  'VGG without batch normalisation': {
    ...convnetConfigs.vgg11_cifar,
    name: 'vgg_small',
    stages: [[16], [32], [64]],
  },
  ResNet: { ...convnetConfigs.resnet20, name: 'resnet_small', widths: [8, 16, 32], depths: [1, 1, 1] },
};

describe.runIf(hasData(pack))('training on 256 real images', () => {
  let images: ImageDataset;

  beforeAll(async () => {
    install({ flavour: 'reproducible' });
    await tf.setBackend('wasm');
    const all = await openPacks(dataDirectory(), 'cifar10_data_batch_1');
    images = subset(
      all,
      Array.from({ length: 256 }, (_, i) => i),
    );
  });

  const toTensors = (
    config: ConvnetConfig,
    { images, labels }: { images: Uint8Array; labels: Int32Array },
  ) => ({
    images: tf.tensor(preprocess(images, labels.length, config), [labels.length, 3, 32, 32]),
    targets: tf.tensor(labels, [labels.length], 'int32'),
  });

  /** The losses of all steps, the accuracy on the images in the end, and the hash of all tensors. */
  async function run(config: ConvnetConfig, seed: number) {
    const losses: number[] = [];
    const events = train({
      ...initConvnet(config, seed),
      valueAndGradients: tapeGradients((parameters, buffers, { images, targets }) => {
        const step = trainingForward(config, parameters, buffers, images);
        return { loss: crossEntropy(step.logits, targets), buffers: step.buffers };
      }),
      optimizer: sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4 }),
      epochs,
      stepsPerEpoch: images.length / batchSize,
      batch: async (epoch, firstStep) => {
        const augment = { flip: true };
        for await (const batch of batches(images, { batchSize, seed, epoch, firstStep, augment })) {
          return toTensors(config, batch);
        }
        throw new Error('there are no such steps');
      },
    });
    for await (const event of events) {
      if (event.kind === 'step') losses.push(event.loss);
      if (event.kind !== 'done') continue;
      const { parameters, buffers } = event;
      async function* all() {
        for await (const batch of batches(images, { batchSize: 128 })) yield toTensors(config, batch);
      }
      const { top1 } = await evaluate({
        forward: (images) => convnet(config, floatLayers(parameters, buffers), images),
        batches: all(),
      });
      const sha256 = await stateSha256(await fromTensors(new Map([...parameters, ...buffers])));
      tf.dispose([...parameters.values(), ...buffers.values()]);
      return { losses, top1, sha256 };
    }
    throw new Error('the training did not end');
  }

  it.each(Object.entries(small))(
    'teaches a small %s, twice the same to the last bit',
    async (_name, config) => {
      const before = tf.memory().numTensors;
      const [first, again] = [await run(config, 1), await run(config, 1)];
      const mean = (losses: readonly number[]) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      expect(mean(first.losses.slice(-10))).toBeLessThan(mean(first.losses.slice(0, 10)) - 0.1);
      expect(first.top1).toBeGreaterThan(0.16);
      expect(again.losses).toEqual(first.losses);
      expect(again.sha256).toBe(first.sha256);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});
