import '@proj/ops/gradients';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { toTensor, toTensors } from '../../test/models.ts';
import { describeEverywhere } from '../../test/places.ts';
import { cases, tinyConfig, twinOf } from '../../test/quantized-swin-cases.ts';
import { quantizedSwinLayers } from './swin-layers.ts';

const signed = new Map([['features.0.0.input_quant_fn.signed', { shape: [1], data: Float64Array.of(1) }]]);
const twins = new Map(Object.entries(cases).map(([what, entry]) => [what, { ...entry, ...twinOf(entry) }]));

describeEverywhere('quantizedSwinLayers, beside float64 arithmetic,', () => {
  for (const [what, { design, part, parameters, x, value, margin, along, slopes }] of twins) {
    /** The part on live tensors, the input before the parameters. */
    const run = (input: tf.Tensor, ...values: tf.Tensor[]): tf.Tensor => {
      const live = new Map([...parameters.keys()].map((name, i) => [name, values[i]!]));
      return part(quantizedSwinLayers(tinyConfig, design, live, toTensors(signed)), input);
    };
    const inputs = (): [tf.Tensor, ...tf.Tensor[]] => [toTensor(x), ...toTensors(parameters).values()];

    it(`have the same value: ${what}`, () => {
      // Nothing lies so near to a tie that float32 could round it otherwise.
      expect(margin).toBeGreaterThan(1e-5);
      const received = tf.tidy(() => run(...inputs()).dataSync());
      const largest = Math.max(...value.data.map(Math.abs));
      const difference = Math.max(...value.data.map((value, i) => Math.abs(value - received[i]!)));
      expect(difference / largest).toBeLessThan(1e-5);
    });

    it(`have the gradients of its differences under held roundings, of the input and every parameter: ${what}`, () => {
      const gradients = tf.tidy(() =>
        tf
          .grads(run as (...inputs: tf.Tensor[]) => tf.Tensor)(inputs(), toTensor(along))
          .map((gradient) => gradient.dataSync<'float32'>()),
      );
      const largest = Math.max(...slopes.map(({ slope }) => Math.abs(slope)));
      for (const [i, { name, direction, slope }] of slopes.entries()) {
        let [sum, magnitude] = [0, 0];
        for (const [j, value] of gradients[i]!.entries()) {
          sum += value * direction[j]!;
          magnitude += Math.abs(value * direction[j]!);
        }
        // The true gradient of `move_qkx_aft` is 0.
        const error = Math.abs(sum - slope) / (magnitude + 1e-2 * largest);
        expect({ name, slope, sum, error: error < 3e-5 ? 0 : error }).toEqual({ name, slope, sum, error: 0 });
      }
    });
  }
});
