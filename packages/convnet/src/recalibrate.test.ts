import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { drawnTensors, smallConfigs } from '../test/golden.ts';
import { describeEverywhere, places } from '../test/places.ts';
import { type ConvnetConfig, recalibrate, separateBuffers, trainingForward } from './index.ts';

const config: ConvnetConfig = smallConfigs.resnet_basic;
const { imageSize } = config;

const image = (count: number, seed: number): tf.Tensor =>
  tf.randomNormal([count, 3, imageSize, imageSize], seed, 1 + seed, 'float32', 1 + seed);

type Numbers = Map<string, number[]>;
const numbers = (tensors: ReadonlyMap<string, tf.Tensor>): Numbers =>
  new Map([...tensors].map(([name, tensor]) => [name, [...tensor.dataSync()]]));

function expectClose(found: Numbers, expected: Numbers): void {
  expect([...found.keys()]).toEqual([...expected.keys()]);
  for (const [name, list] of found) {
    for (const [i, value] of list.entries()) {
      const wanted = expected.get(name)![i]!;
      expect(Math.abs(value - wanted), name).toBeLessThan(1e-5 * Math.max(1, Math.abs(wanted)));
    }
  }
}

describeEverywhere('recalibrated statistics', (place) => {
  it('are the averages of those of the batches, weighted by their sizes, whatever was there before', async () => {
    const drawn = drawnTensors(config);
    const { parameters, buffers } = separateBuffers(drawn);
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(sizes, async (sizes) => {
        const sums: Numbers = new Map();
        const total = sizes.reduce((sum, size) => sum + size, 0);
        for (const [i, size] of sizes.entries()) {
          const images = image(size, i);
          const step = trainingForward(config, parameters, buffers, images, { momentum: 1 });
          const ofBatch = numbers(step.buffers);
          tf.dispose([images, step.logits, ...step.buffers.values()]);
          for (const [name, list] of ofBatch) {
            const sum = sums.get(name) ?? list.map(() => 0);
            const isCount = name.endsWith('num_batches_tracked');
            sums.set(
              name,
              sum.map((value, j) => value + (isCount ? 1 : (list[j]! * size) / total)),
            );
          }
        }
        const batches = sizes.map((size, i) => ({ images: image(size, i) }));
        const recalibrated = await recalibrate(config, parameters, buffers, batches);
        expectClose(numbers(recalibrated), sums);
        expect(batches.every(({ images }) => images.isDisposed)).toBe(true);
        tf.dispose([...recalibrated.values()]);
      }),
      { numRuns: place === places.cpu ? 3 : 10, seed: 5 },
    );
    tf.dispose([...drawn.values()]);
  });

  it('can be mixed with the given ones, which stay as they are', async () => {
    const drawn = drawnTensors(config);
    const { parameters, buffers } = separateBuffers(drawn);
    const given = numbers(buffers);
    const run = async (share: number) => {
      const batches = [{ images: image(2, 1) }, { images: image(3, 2) }];
      const recalibrated = await recalibrate(config, parameters, buffers, batches, { share });
      const found = numbers(recalibrated);
      tf.dispose([...recalibrated.values()]);
      return found;
    };
    const [none, third, whole] = [await run(0), await run(1 / 3), await run(1)];
    const between = [...given].map(([name, list]): [string, number[]] => [
      name,
      name.endsWith('num_batches_tracked') ? [2] : list.map((x, i) => (2 * x) / 3 + whole.get(name)![i]! / 3),
    ]);
    expectClose(third, new Map(between));
    const counted = [...given].map(([name, list]): [string, number[]] => [
      name,
      name.endsWith('num_batches_tracked') ? [2] : list,
    ]);
    expectClose(none, new Map(counted));
    expectClose(numbers(buffers), given);
    tf.dispose([...drawn.values()]);
  });

  it('take batches as they come, and nothing stays where one fails', async () => {
    const drawn = drawnTensors(config);
    const { parameters, buffers } = separateBuffers(drawn);
    async function* failing() {
      yield { images: image(2, 1), targets: tf.tensor([1, 2], [2], 'int32') };
      yield { images: tf.zeros([2, 3, 8, 8]) };
    }
    const code = (expected: string) => expect.objectContaining({ code: expected });
    await expect(recalibrate(config, parameters, buffers, failing())).rejects.toThrow(
      code('CONVNET_INPUT_SHAPE'),
    );
    await expect(recalibrate(config, parameters, buffers, [])).rejects.toThrow(code('CONVNET_NO_IMAGES'));
    await expect(recalibrate(config, parameters, buffers, [], { share: 2 })).rejects.toThrow(
      code('CONVNET_OPTION_INVALID'),
    );
    tf.dispose([...drawn.values()]);
  });
});
