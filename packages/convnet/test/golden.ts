import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { type ConvnetConfig, convnetConfigs, convnetTensors } from '../src/forward.ts';

/** A whole array in base64, or its norm and its product with a direction. */
type Told = string | readonly [norm: number, along: number];

export interface GoldenModel {
  readonly size: number;
  readonly batch: number;
  readonly classes: number;
  /** Logits in evaluation. */
  readonly evaluated: string;
  /** Logits in training. */
  readonly logits: string;
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Told>>;
  /** Running statistics after the step. */
  readonly buffers: Readonly<Record<string, Told>>;
  /** A count of batches after the step, where there are any. */
  readonly counter: readonly number[];
}

interface Golden {
  readonly small: Readonly<Record<keyof typeof smallConfigs, GoldenModel>>;
  readonly named: Readonly<Record<string, GoldenModel>>;
  readonly states: Readonly<Record<string, readonly (readonly [name: string, shape: readonly number[]])[]>>;
  readonly preprocessing: {
    readonly resize: number;
    readonly crop: number;
    readonly interpolation: string;
    readonly mean: readonly number[];
    readonly std: readonly number[];
  };
}

/** What PyTorch computes; `golden/make_convnet.py` makes it. */
export const golden = JSON.parse(
  gunzipSync(readFileSync(new URL('golden/convnet.json.gz', import.meta.url))).toString(),
) as Golden;

const { preprocessing } = convnetConfigs.resnet20;
const common = { channels: 3, classes: 5, preprocessing } as const;

/** One small model of each family, as in make_convnet.py. */
export const smallConfigs = {
  vgg: {
    ...common,
    architecture: 'vgg',
    name: 'vgg',
    imageSize: 8,
    stages: [[4], [6, 6]],
    batchNorm: false,
    head: { pool: 1, hidden: [], dropout: 0 },
  },
  vgg_bn_classifier: {
    ...common,
    architecture: 'vgg',
    name: 'vgg_bn_classifier',
    imageSize: 16,
    stages: [[4], [6]],
    batchNorm: true,
    head: { pool: 2, hidden: [10, 8], dropout: 0 },
  },
  resnet_cifar: {
    ...common,
    architecture: 'resnet',
    name: 'resnet_cifar',
    imageSize: 16,
    style: 'cifar',
    block: 'basic',
    widths: [4, 8, 16],
    depths: [1, 2, 1],
  },
  resnet_basic: {
    ...common,
    architecture: 'resnet',
    name: 'resnet_basic',
    imageSize: 33,
    style: 'imagenet',
    block: 'basic',
    widths: [4, 8],
    depths: [1, 2],
  },
  resnet_bottleneck: {
    ...common,
    architecture: 'resnet',
    name: 'resnet_bottleneck',
    imageSize: 32,
    style: 'imagenet',
    block: 'bottleneck',
    widths: [2, 4],
    depths: [2, 1],
  },
} as const satisfies Record<string, ConvnetConfig>;

/** The float32 numbers of an array that is stored as base64. */
function unpacked(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}

/** Numbers in [-1, 1), 24 bits each, from a hash of the name and of each place: `draws` in make_convnet.py. */
export function drawnValues(name: string, size: number): Float64Array {
  let seed = 0x811c9dc5;
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  const data = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let x = Math.imul(i, 0x9e3779b9) + seed;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x ^= x >>> 16;
    data[i] = (x >>> 8) / 2 ** 23 - 1;
  }
  return data;
}

/** Weights and buffers as make_convnet.py draws them, under the model's name. */
export function drawnTensors(config: ConvnetConfig): Map<string, Tensor> {
  return new Map(
    convnetTensors(config).map(({ name, shape, role }) => {
      if (role === 'counter') return [name, tensor(3, [], 'int32')];
      const size = shape.reduce((product, dimension) => product * dimension, 1);
      const scale = Math.sqrt(6 / (size / shape[0]!));
      const scaled = (value: number): number => {
        if (name.endsWith('running_var')) return value * 0.5 + 1;
        if (name.endsWith('bias') || name.endsWith('running_mean')) return value * 0.25;
        return shape.length === 1 ? value * 0.25 + 1 : value * scale;
      };
      const values = new Float32Array(drawnValues(`${config.name}.${name}`, size).map(scaled));
      return [name, tensor(values, [...shape])];
    }),
  );
}

/** Images and classes of a model's batch, as in make_convnet.py. */
export function drawnBatch({ name, channels }: ConvnetConfig, { batch, size, classes }: GoldenModel) {
  const shape: [number, number, number, number] = [batch, channels, size, size];
  const values = drawnValues(`${name}.images`, batch * channels * size * size);
  return {
    images: tensor(
      Float32Array.from(values, (value) => 2 * value),
      shape,
    ),
    targets: tensor(
      Array.from({ length: batch }, (_, i) => (3 * i) % classes),
      [batch],
      'int32',
    ),
  };
}

/**
 * How far numbers are from those told, as a share of the largest number there, or of the norm. What is less counts as 0.1: the gradient of
 * a bias before a batch normalisation is zero but for rounding.
 */
export function distance(values: Float32Array, told: Told, name: string): number {
  if (typeof told === 'string') {
    const expected = unpacked(told);
    if (expected.length !== values.length)
      throw new Error(`${name} has ${values.length} numbers, not ${expected.length}`);
    return largest(values.map((value, i) => value - expected[i]!)) / Math.max(largest(expected), 0.1);
  }
  const [norm, along] = told;
  const direction = drawnValues(`direction.${name}`, values.length);
  let [square, product] = [0, 0];
  values.forEach((value, i) => {
    square += value * value;
    product += value * direction[i]!;
  });
  return Math.max(Math.abs(Math.sqrt(square) - norm), Math.abs(product - along)) / Math.max(norm, 0.1);
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
