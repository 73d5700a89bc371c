import '@tensorflow/tfjs-backend-wasm';
import { join } from 'node:path';
import { dataDirectory, hasData } from '@proj/fixtures';
import { random } from '@proj/random';
import { type StateDict, type TensorData, tensorData, toFloat32 } from '@proj/tensor-io';
import { readSafetensors } from '@proj/tensor-io/node';
import { toTensors } from '@proj/tensor-io/tfjs';
import { configFromState, floatLayers, type VitConfig, vit, vitConfigs, vitParameters } from '@proj/vit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { decode, integers, messages, texts } from '../test/decode.ts';
import { runOnnx } from '../test/onnxruntime.ts';
import { type ExportOptions, exportVit } from './index.ts';
import {
  graphProto,
  modelProto,
  nodeProto,
  operatorSetIdProto,
  stringStringEntryProto,
  tensorProto,
} from './schema.ts';

const { vit_digits_28: digits, vit_cifar_32: cifar } = vitConfigs;
const distilled: VitConfig = { ...digits, name: 'distilled', depth: 2, distilled: true };

function drawn(name: string, shape: readonly number[], deviation: number, seed = 3): TensorData {
  const draws = random(seed, name);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return tensorData(
    'F32',
    shape,
    Float32Array.from({ length: size }, () => deviation * draws.normal()),
  );
}

/** Weights large enough that every part of the model matters. */
const drawnState = (config: VitConfig): Map<string, TensorData> =>
  new Map(
    vitParameters(config).map(({ name, shape }) => {
      const tensor = drawn(name, shape, 0.15);
      const scale = /norm\d?\.weight$/.test(name);
      return [
        name,
        scale
          ? tensorData(
              'F32',
              shape,
              toFloat32(tensor).map((value) => 1 + value),
            )
          : tensor,
      ];
    }),
  );

const images = ({ channels, imageSize }: VitConfig, batch: number): TensorData =>
  drawn('images', [batch, channels, imageSize, imageSize], 1, batch);

/** Logits of our own forward pass, on tfjs's WASM backend. */
function ownLogits(config: VitConfig, state: StateDict, input: TensorData): Float32Array {
  const parameters = toTensors(state);
  const logits = tf.tidy(() =>
    vit(config, floatLayers(parameters), tf.tensor(toFloat32(input), [...input.shape])).dataSync<'float32'>(),
  );
  tf.dispose([...parameters.values()]);
  return logits;
}

const largestDifference = (a: Float32Array, b: Float32Array): number => {
  expect(a).toHaveLength(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
};

const spread = (values: Float32Array): number => Math.max(...values) - Math.min(...values);

async function expectSameLogits(
  config: VitConfig,
  state: StateDict,
  inputs: readonly TensorData[],
  options?: ExportOptions,
): Promise<void> {
  const results = await runOnnx(
    exportVit(config, state, options),
    inputs.map((input) => ({ shape: input.shape, values: toFloat32(input) })),
  );
  expect(results).toHaveLength(inputs.length);
  for (const [i, { shape, values }] of results.entries()) {
    const expected = ownLogits(config, state, inputs[i]!);
    expect(shape).toEqual([inputs[i]!.shape[0], config.classes]);
    expect(spread(expected)).toBeGreaterThan(1);
    expect(largestDifference(values, expected)).toBeLessThan(1e-4);
  }
}

const code = (name: string, expected: string) => expect.objectContaining({ name, code: expected });

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe('an exported model gives our logits in ONNX Runtime', () => {
  it.each([digits, cifar, distilled])('$name, one and three images at a time', async (config) => {
    await expectSameLogits(config, drawnState(config), [images(config, 1), images(config, 3)]);
  });

  it('with the batch size settled at export, and no other then', async () => {
    const state = drawnState(digits);
    await expectSameLogits(digits, state, [images(digits, 2)], { batch: 2 });
    const other = { shape: images(digits, 3).shape, values: toFloat32(images(digits, 3)) };
    await expect(runOnnx(exportVit(digits, state, { batch: 2 }), [other])).rejects.toThrow('images');
  });

  it('from weights in other dtypes, as the float32 that they are', async () => {
    const state = new Map(
      [...drawnState(digits)].map(([name, tensor]) => [
        name,
        tensorData(name.includes('mlp') ? 'F16' : 'F64', tensor.shape, toFloat32(tensor)),
      ]),
    );
    await expectSameLogits(digits, state, [images(digits, 1)]);
  });

  const deit = 'deit_tiny_patch16_224/model.safetensors';
  describe.runIf(hasData(deit))('with real weights', () => {
    it('DeiT-Tiny, one and three images at a time', async () => {
      const { state } = await readSafetensors(join(dataDirectory(), deit));
      const config = configFromState(state);
      expect(config.name).toBe('deit_tiny_patch16_224');
      await expectSameLogits(config, state, [images(config, 1), images(config, 3)]);
    });
  });
});

describe('an exported file', () => {
  const state = drawnState(digits);
  const classNames = [...'0123456789'];
  const model = decode(exportVit(digits, state, { classNames }));
  const [graph] = messages(model, modelProto.graph);

  it("holds every parameter's own bytes under timm's name, and besides them only constants", () => {
    const stored = messages(graph!, graphProto.initializer);
    const tensors = stored.map((tensor) => ({
      name: texts(tensor, tensorProto.name)[0]!,
      shape: integers(tensor, tensorProto.dims),
      bytes: tensor.get(tensorProto.rawData)![0] as Uint8Array,
    }));
    const parameters = vitParameters(digits);
    expect(tensors.slice(0, parameters.length).map(({ name, shape }) => ({ name, shape }))).toEqual(
      parameters,
    );
    for (const { name, bytes } of tensors.slice(0, parameters.length)) {
      expect(Buffer.from(bytes).equals(state.get(name)!.bytes), name).toBe(true);
    }
    const constants = tensors.slice(parameters.length);
    expect(constants.length).toBeGreaterThan(5);
    for (const { name, bytes } of constants) {
      expect(name).toMatch(/^(I64|F32) /);
      expect(bytes.length).toBeLessThanOrEqual(40);
    }
  });

  it('says which operators it takes, what it is, and how images become its input', () => {
    const [operators] = messages(model, modelProto.opsetImport);
    expect(integers(model, modelProto.irVersion)).toEqual([8]);
    expect(integers(operators!, operatorSetIdProto.version)).toEqual([17]);
    const [entry] = messages(model, modelProto.metadataProps);
    expect(texts(entry!, stringStringEntryProto.key)).toEqual(['proj']);
    const [json] = texts(entry!, stringStringEntryProto.value);
    expect(JSON.parse(json!)).toEqual({ architecture: 'vit', config: digits, classNames });
    const operator = messages(graph!, graphProto.node).map((node) => texts(node, nodeProto.opType)[0]);
    expect(operator.filter((name) => name === 'Gemm')).toHaveLength(4 * digits.depth + 1);
    expect(operator.filter((name) => name === 'Softmax')).toHaveLength(digits.depth);
  });

  it('has the same bytes whatever the order of the state', () => {
    const reversed = new Map([...state].reverse());
    const [a, b] = [state, reversed].map((one) => exportVit(digits, one));
    expect(Buffer.from(a!).equals(b!)).toBe(true);
  });
});

describe('what cannot be exported', () => {
  it('is a state with parameters missing, misshapen or unknown, all named at once', () => {
    const state = drawnState(digits);
    state.delete('norm.weight');
    state.set('head.bias', tensorData('F32', [2], [0, 0]));
    state.set('extra', tensorData('F32', [1], [0]));
    expect(() => exportVit(digits, state)).toThrow(code('VitError', 'VIT_PARAMETERS_MISMATCH'));
    expect(() => exportVit(digits, state)).toThrow(
      'norm.weight [64] is missing; head.bias is [2], expected [10]; extra [1] is not a parameter',
    );
  });

  it.each(['NaN', '-Infinity'])('is a weight of %s', (value) => {
    const weight = new Float32Array(64);
    weight[7] = Number(value);
    const state = drawnState(digits).set('norm.weight', tensorData('F32', [64], weight));
    expect(() => exportVit(digits, state)).toThrow(code('OnnxError', 'ONNX_NON_FINITE'));
    expect(() => exportVit(digits, state)).toThrow(`norm.weight has ${value} at element 7`);
  });

  it.each([0, 1.5, Number.NaN])('is a batch of %d images', (batch) => {
    expect(() => exportVit(digits, drawnState(digits), { batch })).toThrow(code('OnnxError', 'ONNX_BATCH'));
  });

  it('is a model with another number of class names than classes', () => {
    expect(() => exportVit(digits, drawnState(digits), { classNames: ['zero'] })).toThrow(
      code('VitError', 'VIT_METADATA_INVALID'),
    );
  });
});
