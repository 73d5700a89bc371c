import '@proj/ops/gradients';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { drawnBatch, drawnTensors, drawnValues, golden, smallConfigs } from '../test/golden.ts';
import { type Array64, layers64 } from '../test/layers64.ts';
import { describeIn, trainingPlaces } from '../test/places.ts';
import { type ConvnetConfig, convnet, floatLayers, separateBuffers, trainingForward } from './index.ts';

type Named = ReadonlyMap<string, tf.Tensor>;

const forwards = {
  training: (config: ConvnetConfig, parameters: Named, buffers: Named, images: tf.Tensor) =>
    trainingForward(config, parameters, buffers, images).logits,
  evaluation: (config: ConvnetConfig, parameters: Named, buffers: Named, images: tf.Tensor) =>
    convnet(config, floatLayers(parameters, buffers), images),
};

/** Directions and slopes of the float64 models, which every place is held against. */
const slopes = new Map<string, { readonly direction: Float64Array; readonly slope: number }>();

describeIn(trainingPlaces, 'gradients', () => {
  const cases = Object.values<ConvnetConfig>(smallConfigs).flatMap((config) =>
    (['training', 'evaluation'] as const).map((mode) => ({ name: config.name, mode, config })),
  );

  it.each(cases)(
    'of $name in $mode are the slopes of a float64 model along a direction of each parameter and of the images',
    ({ name, mode, config }) => {
      tf.tidy(() => {
        const { parameters, buffers } = separateBuffers(drawnTensors(config));
        const { images } = drawnBatch(config, golden.small[name as keyof typeof smallConfigs]);
        const inputs = new Map([...parameters, ['images', images] as const]);
        const names = [...inputs.keys()];

        const state = new Map<string, Array64>(
          [...inputs, ...buffers].map(([name, { shape }]) => [
            name,
            { shape, data: Float64Array.from(inputs.get(name)?.dataSync() ?? buffers.get(name)!.dataSync()) },
          ]),
        );
        /** The sum of the logits with weights of their own, when one of the inputs is moved. */
        const weighed = (moved: string, data: Float64Array): number => {
          const all = new Map([...state, [moved, { shape: state.get(moved)!.shape, data }]]);
          const logits = convnet(config, layers64(all, mode === 'training'), all.get('images')!);
          return logits.data.reduce((sum, value, i) => sum + value * Math.cos(i), 0);
        };

        /** Half along the gradient, so that the slope is not small by chance. */
        const slopeAlong = (name: string, gradient: Float32Array, norm: number) => {
          const drawn = drawnValues(`direction.${name}`, gradient.length);
          const direction = drawn.map(
            (value, j) => value / Math.sqrt(gradient.length) + gradient[j]! / Math.max(norm, 1e-3),
          );
          const { data } = state.get(name)!;
          const at = (step: number) =>
            weighed(
              name,
              data.map((value, j) => value + step * direction[j]!),
            );
          return { direction, slope: (at(1e-6) - at(-1e-6)) / 2e-6 };
        };

        const run = (...tensors: tf.Tensor[]): tf.Tensor => {
          const given = new Map(names.map((name, i) => [name, tensors[i]!]));
          return forwards[mode](config, given, buffers, given.get('images')!);
        };
        const { size, shape } = run(...inputs.values());
        const dy = tf.reshape(tf.cos(tf.range(0, size)), shape);
        const gradients = tf.grads(run)([...inputs.values()], dy);

        for (const [i, gradient] of gradients.entries()) {
          const name = names[i]!;
          const values = gradient.dataSync<'float32'>();
          const norm = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
          const key = `${config.name} ${mode} ${name}`;
          const known = slopes.get(key) ?? slopeAlong(name, values, norm);
          slopes.set(key, known);
          const { direction, slope } = known;
          const predicted = values.reduce((sum, value, j) => sum + value * direction[j]!, 0);
          expect(Math.abs(slope - predicted), name).toBeLessThan(1e-4 * Math.max(0.1, norm));
        }
      });
    },
  );
});
