import '@tensorflow/tfjs-backend-wasm';
import '@proj/wasm-kernels/install';
import { join } from 'node:path';
import { batches } from '@proj/datasets';
import { openPacks } from '@proj/datasets/node';
import { dataDirectory, hasData } from '@proj/fixtures';
import { readSafetensors } from '@proj/tensor-io/node';
import { toTensors } from '@proj/tensor-io/tfjs';
import { evaluate } from '@proj/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { configFromState, convnet, floatLayers, preprocess, separateBuffers } from './index.ts';

const packs = 'packs/cifar10_test_batch.med.br';
const published = { resnet20: 9173, resnet56: 9339 };

describe.runIf(hasData(packs, 'resnet_cifar10/resnet20.safetensors', 'resnet_cifar10/resnet56.safetensors'))(
  "akamaster's weights on the whole CIFAR-10 test set",
  () => {
    it.each(Object.entries(published))(
      '%s is right on %i of 10,000 images',
      { timeout: 600_000 },
      async (name, right) => {
        await tf.setBackend('wasm');
        const file = join(dataDirectory(), `resnet_cifar10/${name}.safetensors`);
        const { state, metadata } = await readSafetensors(file);
        const config = configFromState(state, metadata);
        expect(config.name).toBe(name);
        const tensors = toTensors(state);
        const { parameters, buffers } = separateBuffers(tensors);

        const test = await openPacks(dataDirectory(), 'cifar10_test_batch');
        async function* prepared() {
          for await (const { images, labels } of batches(test, { batchSize: 100 })) {
            yield {
              images: tf.tensor(preprocess(images, labels.length, config), [labels.length, 3, 32, 32]),
              targets: tf.tensor(labels, [labels.length], 'int32'),
            };
          }
        }
        const { top1, count } = await evaluate({
          forward: (images) => convnet(config, floatLayers(parameters, buffers), images),
          batches: prepared(),
        });
        tf.dispose([...tensors.values()]);
        expect(count).toBe(10_000);
        expect(top1 * count).toBe(right);
        expect(tf.memory().numTensors).toBe(0);
      },
    );
  },
);
