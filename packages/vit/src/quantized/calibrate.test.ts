import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { drawn, drawnParameters, tinyConfig, toTensor, toTensors } from '../../test/models.ts';
import { casesOf, expectReference, group, live } from '../../test/ofq-cases.ts';
import { configOf } from '../../test/ofq-model.ts';
import { describeEverywhere } from '../../test/places.ts';
import type { VitConfig } from '../config.ts';
import { vit } from '../model.ts';
import { vitParameters } from '../parameters.ts';
import { qAttention } from './attention.ts';
import { calibrate } from './calibrate.ts';
import { ofqPlan, type QuantizedDesign } from './design.ts';
import { quantizedLayers } from './layers.ts';
import { quantizedBuffers, quantizedParameters } from './parameters.ts';
import { setting } from './prepare.ts';

describeEverywhere('calibrate', () => {
  it.each(casesOf(/^model_deit_qkr_/).map((entry) => [entry.name, entry] as const))(
    "finds every step of the reference's setup_alpha: %s",
    (_, entry) => {
      tf.tidy(() => {
        const config = configOf(entry);
        const trained = new Map([...group(entry, 'param'), ...group(entry, 'fp')]);
        // The reference starts from projections of its own, which it does not copy.
        for (const [name, tensor] of group(entry, 'param'))
          if (name.includes('.attn.proj.')) trained.set(name, tensor);
        const float = new Map(vitParameters(config).map(({ name }) => [name, trained.get(name)!]));
        const design: QuantizedDesign = {
          plan: ofqPlan(config, entry.config['block_bits'] as 2),
          weights: 'statsq',
          attention: 'qkr',
        };
        const { parameters, buffers } = calibrate(config, design, float, live(entry, 'x'));
        for (const name of group(entry, 'init').keys())
          expectReference(entry, `init.${name}`, parameters.get(name)!);
        for (const tensor of [...parameters.values(), ...buffers.values()]) tensor.dispose();
      });
    },
  );

  it.each(casesOf(/^attn_(plain|lsq|qkr_w)/).map((entry) => [entry.name, entry] as const))(
    "starts an attention where the reference's starts: %s",
    (_, entry) => {
      tf.tidy(() => {
        const bits = entry.config['bits'] as 2;
        const parameters = group(entry, 'param', 'attn.');
        // Offsets start at 0, the steps are to be found.
        for (const [name, tensor] of parameters) {
          if (/\.move_\w+\.bias$/.test(name)) parameters.set(name, tf.zerosLike(tensor));
          if (name.endsWith('.s')) parameters.set(name, tf.fill(tensor.shape, Number.NaN));
        }
        const both = { weight: bits, activation: bits };
        const spec = {
          attn: 'attn',
          heads: entry.config['num_heads'] as number,
          bits: both,
          proj: both,
          weights: entry.name.includes('lsq') ? ('lsq' as const) : ('statsq' as const),
          attention: entry.name.includes('qkr') ? ('qkr' as const) : ('plain' as const),
        };
        qAttention(live(entry, 'x'), parameters, spec, {}, setting(parameters, new Map()));
        for (const name of group(entry, 'init').keys())
          expectReference(entry, `init.${name}`, parameters.get(`attn.${name}`)!);
        for (const [name, tensor] of parameters) if (name.endsWith('.s')) tensor.dispose();
      });
    },
  );

  const ways = (['statsq', 'lsq', 'lsq+'] as const).flatMap((weights) =>
    (['qkr', 'plain'] as const).map((attention) => ({ weights, attention })),
  );

  it.each(ways)(
    'makes a model of every design: weights by $weights, $attention attention',
    ({ weights, attention }) => {
      const config = tinyConfig;
      const design = { plan: ofqPlan(config, 2), weights, attention };
      const [float, images] = [toTensors(drawnParameters(config, 1)), drawnImages(config)];
      const { parameters, buffers } = calibrate(config, design, float, images);
      expect(shapesOf(parameters)).toEqual(quantizedParameters(config, design));
      expect(shapesOf(buffers)).toEqual(quantizedBuffers(config, design));
      for (const [name, step] of parameters) {
        if (name.endsWith('.s'))
          expect([name, step.dataSync().every((value) => value > 0)]).toEqual([name, true]);
      }
      expect(buffers.get('patch_embed.proj.input_quant_fn.signed')!.dataSync()[0]).toBe(1);
      const again = calibrate(config, design, float, images);
      for (const [name, tensor] of again.parameters) {
        expect(tensor.dataSync(), name).toEqual(parameters.get(name)!.dataSync());
      }
      const logits = tf.tidy(() => vit(config, quantizedLayers(config, design, parameters, buffers), images));
      expect(logits.dataSync().every(Number.isFinite)).toBe(true);
      tf.dispose([logits, images, ...float.values()]);
      for (const made of [parameters, buffers, again.parameters, again.buffers])
        tf.dispose([...made.values()]);
    },
  );

  it('refuses images and weights that are not finite, and leaves nothing allocated then', () => {
    const config = tinyConfig;
    const design = { plan: ofqPlan(config, 2), weights: 'statsq', attention: 'qkr' } as const;
    const [float, images] = [toTensors(drawnParameters(config, 1)), drawnImages(config)];
    const holed = tf.tidy(() => tf.add(images, tf.tensor([Number.NaN, 0, 0, 0], [4, 1, 1, 1])));
    const before = tf.memory().numTensors;
    expect(() => calibrate(config, design, float, holed)).toThrow(
      expect.objectContaining({ code: 'QS_NON_FINITE' }),
    );
    const broken = tf.fill([8], Number.POSITIVE_INFINITY);
    expect(() =>
      calibrate(config, design, new Map([...float, ['blocks.1.norm1.weight', broken]]), images),
    ).toThrow(
      expect.objectContaining({
        code: 'QS_NON_FINITE',
        message: expect.stringContaining('blocks.1.attn.quant_x_4_qkv.input_quant_fn.s'),
      }),
    );
    tf.dispose(broken);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([images, holed, ...float.values()]);
  });
});

const shapesOf = (tensors: ReadonlyMap<string, tf.Tensor>) =>
  [...tensors].map(([name, { shape }]) => ({ name, shape }));

const drawnImages = ({ channels, imageSize }: VitConfig): tf.Tensor =>
  toTensor(drawn(3, 'images', [4, channels, imageSize, imageSize], 1));
