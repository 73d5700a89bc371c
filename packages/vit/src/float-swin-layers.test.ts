import '@proj/ops/gradients';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { drawnValues, drawnWeights, tinySwin } from '../test/golden-swin.ts';
import { toTensor, toTensors } from '../test/models.ts';
import { describeEverywhere } from '../test/places.ts';
import {
  checkParameters,
  floatSwinLayers,
  initSwin,
  preprocess,
  swin,
  swinBuffers,
  swinConfigs,
  type WindowAttentionSpec,
} from './index.ts';

const weights = drawnWeights(tinySwin);
const images = (count: number) => toTensor(drawnValues('images', [count, 3, 32, 32]));

describeEverywhere('floatSwinLayers', () => {
  it('let a token see its own window only, and over a shift only what was beside it in the map', () => {
    const prefix = 'features.1.1';
    const shift = 2;
    const at: WindowAttentionSpec = {
      norm: `${prefix}.norm1`,
      attn: `${prefix}.attn`,
      heads: 2,
      eps: 1e-5,
      window: { side: 8, size: 4, shift, bias: `${prefix}.attn.relative_position_bias_table` },
    };
    // In which stripe of a shifted map a row or column lies: those before the first cut and behind the last are not joined.
    const stripe = (place: number) => Math.floor((place + at.window.size - shift) / at.window.size);
    tf.tidy(() => {
      const layers = floatSwinLayers(toTensors(weights));
      const map = drawnValues('map', [1, 8, 8, 6]);
      const attend = (data: Float64Array) => layers.attention(toTensor({ ...map, data }), at).dataSync();
      const still = attend(map.data);
      for (const [row, column] of [
        [0, 0],
        [7, 0],
        [1, 7],
        [3, 4],
        [6, 6],
      ] as const) {
        const moved = map.data.slice();
        moved[(row * 8 + column) * 6] = 3;
        const changed = attend(moved);
        for (let token = 0; token < 64; token++) {
          const differs = Array.from({ length: 6 }, (_, i) => 6 * token + i).some(
            (i) => changed[i] !== still[i],
          );
          const [y, x] = [Math.floor(token / 8), token % 8];
          const together = stripe(y) === stripe(row) && stripe(x) === stripe(column);
          expect(differs, `(${y}, ${x}) sees (${row}, ${column})`).toBe(together);
        }
      }
    });
  });

  it('give an image the same logits whatever stands beside it in the batch', () => {
    tf.tidy(() => {
      const layers = floatSwinLayers(toTensors(weights));
      const three = images(3);
      const together = swin(tinySwin, layers, three).dataSync();
      for (let i = 0; i < 3; i++) {
        const alone = swin(tinySwin, layers, tf.slice(three, i, 1)).dataSync();
        expect([...together.subarray(5 * i, 5 * i + 5)]).toEqual([...alone]);
      }
    });
  });

  it('have the gradient that differences of the loss say, along a direction through all parameters', () => {
    const names = [...weights.keys()];
    const along = names.map((name) => drawnValues(`along.${name}`, weights.get(name)!.shape).data);
    tf.tidy(() => {
      const input = images(2);
      const loss = (...live: tf.Tensor[]): tf.Scalar =>
        tf.mean(
          tf.square(
            swin(tinySwin, floatSwinLayers(new Map(names.map((name, i) => [name, live[i]!]))), input),
          ),
        );
      const moved = (step: number) =>
        names.map((name, n) => {
          const { shape, data } = weights.get(name)!;
          return toTensor({ shape, data: data.map((value, i) => value + step * along[n]![i]!) });
        });
      const h = 2e-3;
      const [above, below] = [h, -h].map((step) => loss(...moved(step)).dataSync()[0]!) as [number, number];
      const gradients = tf
        .grads(loss)(moved(0))
        .map((gradient) => gradient.dataSync<'float32'>());
      const slope = gradients.reduce(
        (sum, gradient, n) => gradient.reduce((sum, value, i) => sum + value * along[n]![i]!, sum),
        0,
      );
      expect(Math.abs(slope)).toBeGreaterThan(0.1);
      expect(Math.abs((above - below) / (2 * h) / slope - 1)).toBeLessThan(5e-3);
    });
  });

  it('leave one tensor each, and none in tf.tidy', () => {
    const parameters = toTensors(weights);
    const input = images(1);
    const start = tf.memory().numTensors;
    const logits = tf.tidy(() => {
      const logits = swin(tinySwin, floatSwinLayers(parameters), input);
      expect(tf.memory().numTensors - start).toBe(1 + 2 * 6 + 2 + 1);
      return logits;
    });
    expect(tf.memory().numTensors - start).toBe(1);
    tf.dispose([logits, input, [...parameters.values()]]);
  });

  it('do not mind buffers among the parameters', () => {
    tf.tidy(() => {
      const parameters = toTensors(weights);
      const input = images(1);
      const logits = swin(tinySwin, floatSwinLayers(parameters), input).dataSync();
      for (const { name, shape } of swinBuffers(tinySwin))
        parameters.set(name, tf.zeros([...shape], 'int32'));
      expect([...swin(tinySwin, floatSwinLayers(parameters), input).dataSync()]).toEqual([...logits]);
    });
  });

  it('refuse images of another size, and name a parameter that is missing or misshapen', () => {
    const run =
      (name: string, replaced: tf.Tensor | undefined, size = 32) =>
      () =>
        tf.tidy(() => {
          const parameters = toTensors(weights);
          if (replaced === undefined) parameters.delete(name);
          else parameters.set(name, replaced);
          swin(tinySwin, floatSwinLayers(parameters), tf.zeros([1, 3, size, size]));
        });
    const table = 'features.3.1.attn.relative_position_bias_table';
    expect(run('none', undefined, 30)).toThrow(expect.objectContaining({ code: 'VIT_INPUT_SHAPE' }));
    expect(run(table, undefined)).toThrow(
      expect.objectContaining({ code: 'VIT_PARAMETER_MISSING', message: expect.stringContaining(table) }),
    );
    const small = tf.zeros([9, 3]);
    expect(run(table, small)).toThrow(expect.objectContaining({ code: 'OPS_BAD_ARGUMENT' }));
    small.dispose();
  });
});

describe('a fresh Swin Transformer', () => {
  const config = swinConfigs.swin_cifar_32;
  const bytes = (tensor: tf.Tensor) => Buffer.from(tensor.dataSync<'float32'>().slice().buffer);

  it("has exactly its parameters, drawn as torchvision's are, and the same bits for the same seed", () => {
    const [first, again, other] = [3, 3, 4].map((seed) => initSwin(config, seed)) as [
      Map<string, tf.Tensor>,
      Map<string, tf.Tensor>,
      Map<string, tf.Tensor>,
    ];
    checkParameters(config, first);
    for (const [name, tensor] of first) {
      const values = tensor.dataSync<'float32'>();
      expect(bytes(again.get(name)!).equals(bytes(tensor)), name).toBe(true);
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
      if (/norm\d?\.weight$|^features\.0\.2\.weight$/.test(name)) {
        expect(new Set(values), name).toEqual(new Set([1]));
      } else if (name.startsWith('features.0.0.')) {
        expect(deviation * Math.sqrt(3 * 12), name).toBeCloseTo(1, 0);
      } else if (name.endsWith('.bias')) {
        expect(new Set(values), name).toEqual(new Set([0]));
      } else {
        expect(Math.abs(deviation / 0.02 - 1), name).toBeLessThan(5 / Math.sqrt(2 * values.length));
        expect(other.get(name)!.dataSync()[0], name).not.toBe(values[0]);
      }
    }
    tf.dispose([first, again, other].map((parameters) => [...parameters.values()]));
  });

  it('takes images as preprocess makes them', () => {
    const pixels = preprocess(new Uint8Array(2 * 32 * 32 * 3).fill(128), 2, config);
    const shape = tf.tidy(
      () => swin(config, floatSwinLayers(initSwin(config, 1)), tf.tensor(pixels, [2, 3, 32, 32])).shape,
    );
    expect(shape).toEqual([2, 10]);
  });
});
