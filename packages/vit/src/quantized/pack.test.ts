import '@proj/ops/gradients';
import { codes, lsqRows, statsq2d, statsqScale } from '@proj/quant-stats';
import { random } from '@proj/random';
import {
  parseSafetensors,
  type StateDict,
  serializeSafetensors,
  type TensorData,
  tensorData,
  toFloat32,
} from '@proj/tensor-io';
import { fromTensors, toTensors } from '@proj/tensor-io/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { drawn, tinyConfig, toTensor } from '../../test/models.ts';
import { describeEverywhere } from '../../test/places.ts';
import type { VitConfig } from '../config.ts';
import { configFromMetadata, vit } from '../forward.ts';
import { freezeRows } from './freeze-rows.ts';
import { frozenLayers } from './frozen-layers.ts';
import { type QuantizedDesign, quantizedLayers, quantizedParameters } from './index.ts';
import { designFromMetadata, quantizedMetadata } from './metadata.ts';
import { packModel, weightPair } from './pack.ts';
import { isPacked, packedMetadata } from './packed-metadata.ts';
import { levelsOfCodes } from './packed-rows.ts';
import { packedWeights } from './packed-weights.ts';
import { unpackModel, unpackWeights } from './unpack.ts';
import { weightErrors } from './weight-errors.ts';

type Tensors = Map<string, tf.Tensor>;

/** Odd widths, so that rows of codes do not fill their last byte: 9 codes of 3 bits, and of 2. */
const config: VitConfig = { ...tinyConfig, embedDim: 9, heads: 3, mlpRatio: 13 / 9 };
const plan = {
  default: 'w2a2',
  'blocks.0.mlp': 'w4a4',
  'blocks.1': 'w3a3',
  patch_embed: 'w8a8',
  head: 'w8a8',
};
const designs = (['statsq', 'lsq', 'lsq+'] as const).flatMap((weights) =>
  (['qkr', 'plain'] as const).map((attention): QuantizedDesign => ({ plan, weights, attention })),
);
const images = drawn(12, 'images', [3, 2, 8, 8], 1);

/** A model as after a training: no two numbers alike, steps about as large as what they divide. */
function latent(design: QuantizedDesign): { parameters: Tensors; buffers: Tensors } {
  const parameters = new Map(
    quantizedParameters(config, design).map(({ name, shape }) => {
      const values = drawn(7, name, shape);
      const step = name.endsWith('.s');
      const data = step ? values.data.map((value) => Math.fround(0.1 + Math.abs(value))) : values.data;
      return [name, toTensor({ shape, data })];
    }),
  );
  return { parameters, buffers: new Map([['patch_embed.proj.input_quant_fn.signed', tf.tensor1d([1])]]) };
}

const dispose = (...maps: readonly ReadonlyMap<string, tf.Tensor>[]): void => {
  for (const map of maps) for (const tensor of map.values()) tensor.dispose();
};

const logitsOf = (layers: Parameters<typeof vit<tf.Tensor>>[1]): Float32Array => {
  const values = tf.tidy(() => vit(config, layers, toTensor(images)));
  const data = values.dataSync() as Float32Array;
  values.dispose();
  return data;
};

describeEverywhere('a packed model', () => {
  it.each(designs)('has the logits of the latent one ($weights, $attention)', async (design) => {
    const { parameters, buffers } = latent(design);
    const packed = await packModel(config, design, parameters, buffers);
    const file = serializeSafetensors(packed);
    const unpacked = unpackModel(config, design, parseSafetensors(file).state);
    const frozen = { parameters: toTensors(unpacked.parameters), buffers: toTensors(unpacked.buffers) };
    const expected = logitsOf(quantizedLayers(config, design, parameters, buffers));
    const found = logitsOf(frozenLayers(config, design, frozen.parameters, frozen.buffers));
    const largest = Math.max(...expected.map(Math.abs));
    expect(largest).toBeGreaterThan(0.01);
    found.forEach((logit, i) => {
      expect(Math.abs(logit - expected[i]!)).toBeLessThan(1e-5 * largest);
    });
    dispose(parameters, buffers, frozen.parameters, frozen.buffers);
  });

  it.each(designs)('holds the codes that the quantizers find ($weights, $attention)', async (design) => {
    const { parameters, buffers } = latent(design);
    const packed = await packModel(config, design, parameters, buffers);
    for (const { layer, quantizer, step, heads, codes: found } of unpackWeights(config, design, packed)) {
      if (heads !== undefined) continue;
      const expected = tf.tidy(() => {
        const weight = parameters.get(`${layer}.weight`)!;
        const rows = tf.reshape(weight, [weight.shape[0]!, -1]);
        if (step !== undefined) return codes(lsqRows(quantizer.bits), rows, parameters.get(step)!);
        const statsq = statsq2d(quantizer.bits);
        return codes(statsq, rows, statsqScale(statsq, rows));
      });
      const offset = 2 ** (quantizer.bits - 1);
      expect(
        [...found].map((code) => code - offset),
        layer,
      ).toEqual([...expected.dataSync()]);
      expected.dispose();
    }
    dispose(parameters, buffers);
  });
});

describe('packing', () => {
  const design: QuantizedDesign = { plan, weights: 'statsq', attention: 'qkr' };

  it("keeps every weight, QKR's product among them, bit for bit, and all else as it is", async () => {
    const { parameters, buffers } = latent(design);
    const packed = await packModel(config, design, parameters, buffers);
    const unpacked = unpackModel(config, design, packed);
    for (const weight of packedWeights(config, design)) {
      const { latent, quantized } = weightPair(weight, parameters);
      const found = unpacked.parameters.get(`${weight.layer}.weight`)!;
      expect(found.shape).toEqual(weight.shape);
      expect(toFloat32(found)).toEqual(quantized.dataSync());
      dispose(
        new Map([
          ['latent', latent],
          ['quantized', quantized],
        ]),
      );
    }
    const products = packedWeights(config, design).filter(({ heads }) => heads !== undefined);
    expect(products.map(({ layer, shape }) => `${layer} ${shape}`)).toEqual([
      'blocks.0.attn.qk 27,9',
      'blocks.1.attn.qk 27,9',
    ]);
    expect([...packed.keys()].filter((name) => /attn\.[qk]\.weight|lsqw_fn/.test(name))).toEqual([]);
    expect(toFloat32(packed.get('pos_embed')!)).toEqual(parameters.get('pos_embed')!.dataSync());
    expect(toFloat32(unpacked.buffers.get('patch_embed.proj.input_quant_fn.signed')!)).toEqual(
      Float32Array.of(1),
    );
    expect(serializeSafetensors(packed)).toEqual(
      serializeSafetensors(await packModel(config, design, parameters, buffers)),
    );
    dispose(parameters, buffers);
  });

  it('moves each weight by a share of its norm, which weightErrors tells', async () => {
    const { parameters, buffers } = latent(design);
    const { parameters: unpacked } = unpackModel(
      config,
      design,
      await packModel(config, design, parameters, buffers),
    );
    const errors = await weightErrors(config, design, parameters);
    expect([...errors.keys()]).toEqual(packedWeights(config, design).map(({ layer }) => layer));
    const name = 'blocks.1.mlp.fc1';
    const before = parameters.get(`${name}.weight`)!.dataSync();
    const after = toFloat32(unpacked.get(`${name}.weight`)!);
    const norm = (values: Iterable<number>): number => Math.hypot(...values);
    const expected = norm(before.map((value, i) => value - after[i]!)) / norm(before);
    expect(errors.get(name)).toBeCloseTo(expected, 6);
    expect(expected).toBeGreaterThan(0.1);
    dispose(parameters, buffers);
  });

  it('begins each row of codes with a byte of its own', async () => {
    const { parameters, buffers } = latent(design);
    const packed = await packModel(config, design, parameters, buffers);
    const shapeOf = (layer: string) => packed.get(`${layer}.weight.codes`)!.shape;
    expect(shapeOf('blocks.0.attn.v')).toEqual([9, 3]); // 9 codes of 2 bits
    expect(shapeOf('blocks.1.attn.v')).toEqual([9, 4]); // of 3 bits
    expect(shapeOf('blocks.0.mlp.fc2')).toEqual([9, 7]); // 13 codes of 4 bits
    expect(shapeOf('patch_embed.proj')).toEqual([9, 32]); // 2 x 4 x 4 codes of 8 bits
    dispose(parameters, buffers);
  });

  it('finds the very scale of a row, whatever its codes are', () => {
    const draws = random(3);
    for (const bits of [2, 3, 4] as const) {
      const quantizer = statsq2d(bits);
      const levels = levelsOfCodes(quantizer);
      for (let trial = 0; trial < 300; trial++) {
        const scale = Math.fround(Math.exp(4 * draws.normal()));
        // Few codes in a row, so that some rows have no level that is a power of two.
        const own = Uint8Array.from({ length: 1 + draws.integer(3) }, () => draws.integer(2 ** bits));
        const values = Float32Array.from(own, (code) => levels[code]! * scale);
        const found = freezeRows('w', quantizer, values, [scale * (1 + 1e-6 * draws.normal())]);
        expect(found.codes).toEqual(own);
        expect(Float32Array.from(found.codes, (code) => levels[code]! * found.scales[0]!)).toEqual(values);
      }
    }
  });

  it('gives a row of zeros the scale 0, and refuses weights that are not finite', async () => {
    const { parameters, buffers } = latent(design);
    const name = 'blocks.0.attn.v.weight';
    const fill = (value: number): Tensors => new Map([...parameters, [name, tf.fill([9, 9], value)]]);
    const [zeros, infinite] = [fill(0), fill(Number.POSITIVE_INFINITY)];
    const packed = await packModel(config, design, zeros, buffers);
    expect(toFloat32(packed.get(`${name}.scale`)!)).toEqual(new Float32Array(9));
    const { parameters: unpacked } = unpackModel(config, design, packed);
    expect(toFloat32(unpacked.get(name)!)).toEqual(new Float32Array(81));
    await expect(packModel(config, design, infinite, buffers)).rejects.toMatchObject({
      code: 'QS_NON_FINITE',
      message: expect.stringContaining(name),
    });
    dispose(
      parameters,
      buffers,
      new Map([
        ['a', zeros.get(name)!],
        ['b', infinite.get(name)!],
      ]),
    );
  });
});

describe('unpacking', () => {
  const design: QuantizedDesign = { plan, weights: 'statsq', attention: 'qkr' };
  const codesName = 'blocks.0.attn.v.weight.codes';
  const scaleName = 'blocks.0.attn.v.weight.scale';

  it.each<[string, (state: Map<string, TensorData>) => void]>([
    [`${scaleName} F32 [9] is missing`, (state) => state.delete(scaleName)],
    ['stranger is no tensor', (state) => state.set('stranger', tensorData('F32', [1], [0]))],
    [
      `${codesName} is U8 [9,2], expected U8 [9,3]`,
      (state) => state.set(codesName, tensorData('U8', [9, 2], new Uint8Array(18))),
    ],
    [`${codesName} is I8`, (state) => state.set(codesName, tensorData('I8', [9, 3], new Int8Array(27)))],
    [
      `${codesName}: unused bits`,
      (state) => state.set(codesName, tensorData('U8', [9, 3], new Uint8Array(27).fill(255))),
    ],
    [
      'pos_embed has entries that are not finite',
      (state) => state.set('pos_embed', tensorData('F32', [1, 6, 9], new Float32Array(54).fill(Number.NaN))),
    ],
    [
      `${scaleName} has entries that are negative`,
      (state) => state.set(scaleName, tensorData('F32', [9], new Float32Array(9).fill(-1))),
    ],
  ])('refuses a file where %s', async (problem, damage) => {
    const { parameters, buffers } = latent(design);
    const packed = await packModel(config, design, parameters, buffers);
    damage(packed);
    expect(() => unpackModel(config, design, packed)).toThrow(
      expect.objectContaining({ code: 'VIT_NOT_PACKED', message: expect.stringContaining(problem) }),
    );
    dispose(parameters, buffers);
  });

  it('refuses the latent model, and a packed model of another design', async () => {
    const { parameters, buffers } = latent(design);
    const packed = await packModel(config, design, parameters, buffers);
    const latentState: StateDict = await fromTensors(parameters);
    const refused = expect.objectContaining({ code: 'VIT_NOT_PACKED' });
    expect(() => unpackModel(config, design, latentState)).toThrow(refused);
    expect(() => unpackModel(config, { ...design, attention: 'plain' }, packed)).toThrow(refused);
    expect(() => unpackModel(config, { ...design, plan: { default: 'w2a2' } }, packed)).toThrow(refused);
    dispose(parameters, buffers);
  });
});

describe('metadata of a packed model', () => {
  const design: QuantizedDesign = { plan, weights: 'statsq', attention: 'qkr' };

  it('says that it is one, and how it is quantized', () => {
    const json = packedMetadata(config, design, ['a', 'b', 'c']);
    expect(isPacked(json)).toBe(true);
    expect(isPacked(quantizedMetadata(config, design))).toBe(false);
    expect(designFromMetadata(json)).toEqual(design);
    expect(configFromMetadata(json)).toEqual(config);
  });

  it('is refused where its version is another', () => {
    const json = packedMetadata(config, design).replace('"version":1', '"version":2');
    expect(() => isPacked(json)).toThrow(expect.objectContaining({ code: 'VIT_NOT_PACKED' }));
  });
});
