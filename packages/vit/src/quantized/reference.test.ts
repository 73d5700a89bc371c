import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parsePth, type StateDict, type TensorData, tensorData } from '@proj/tensor-io';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { tinyConfig } from '../../test/models.ts';
import { describeEverywhere } from '../../test/places.ts';
import { vit } from '../model.ts';
import { ofqPlan, type QuantizedDesign } from './design.ts';
import { quantizedLayers } from './layers.ts';
import { quantizedBuffers, quantizedParameters } from './parameters.ts';
import { fromReference } from './reference.ts';

/** Written by PyTorch: see make_reference_pth.py. */
const file = gunzipSync(readFileSync(new URL('../../test/golden/reference.pth.gz', import.meta.url)));
const design: QuantizedDesign = { plan: ofqPlan(tinyConfig, 2), weights: 'statsq', attention: 'qkr' };

describeEverywhere('a checkpoint of the reference code', () => {
  it('is a model here: each tensor under its name, what StatsQ keeps left out', async () => {
    const { state } = await parsePth(file);
    const order = [...state.keys()].map((name) => name.slice('module.'.length));
    const { parameters, buffers } = fromReference(tinyConfig, design, state);
    expect([...parameters.keys()]).toEqual(order.filter((name) => !/clip_val|signed/.test(name)));
    for (const [name, tensor] of [...parameters, ...buffers]) {
      const i = order.indexOf(name);
      const expected = Float32Array.from({ length: tensor.size }, (_, j) => i + 0.001 * j);
      expect(tensor.dataSync(), name).toEqual(expected);
    }
    const shapes = (tensors: typeof parameters) => [...tensors].map(([name, { shape }]) => ({ name, shape }));
    expect(shapes(parameters)).toEqual(quantizedParameters(tinyConfig, design));
    expect(shapes(buffers)).toEqual(quantizedBuffers(tinyConfig, design));
    tf.tidy(() => {
      const layers = quantizedLayers(tinyConfig, design, parameters, buffers);
      expect(vit(tinyConfig, layers, tf.zeros([1, 2, 8, 8])).shape).toEqual([1, 3]);
    });
    tf.dispose([...parameters.values(), ...buffers.values()]);
  });

  it('that is of another model is refused, each entry by name', async () => {
    const { state } = await parsePth(file);
    const entries = new Map(state);
    entries.delete('module.blocks.1.attn.v.bias');
    entries.set('module.head.weight', tensorData('F32', [4, 8], new Float32Array(32)));
    entries.set('module.blocks.0.attn.qkv.bias', tensorData('F32', [1], new Float32Array(1)));
    const load = (state: StateDict) => () => fromReference(tinyConfig, design, state);
    expect(load(entries)).toThrow(
      expect.objectContaining({
        code: 'VIT_PARAMETERS_MISMATCH',
        problems: [
          'blocks.1.attn.v.bias [8] is missing',
          'head.weight is [4,8], expected [3,8]',
          'blocks.0.attn.qkv.bias [1] is not of this model',
        ],
      }),
    );
    expect(() => fromReference(tinyConfig, { ...design, attention: 'plain' }, state)).toThrow(
      'blocks.0.attn.qkv.weight [24,8] is missing',
    );
  });

  it('that has seen no image yet has the flag of unsigned images', async () => {
    const { state } = await parsePth(file);
    const plain = new Map<string, TensorData>();
    for (const [name, data] of state) if (!name.endsWith('.signed')) plain.set(name.slice(7), data);
    const { parameters, buffers } = fromReference(tinyConfig, design, plain);
    expect([...buffers.values()].map((flag) => [...flag.dataSync()])).toEqual([[0]]);
    tf.dispose([...parameters.values(), ...buffers.values()]);
  });
});
