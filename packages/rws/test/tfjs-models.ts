import { type StateDict, tensorData, toFloat32 } from '@proj/tensor-io';
import * as converter from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { extract, type Signature } from '../src/index.ts';

export const wave = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(1.7 * i + seed) / 3);
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** A model of tfjs's whose weights and predictions can be seen. */
export interface SubjectModel {
  readonly source: layers.LayersModel | converter.GraphModel | Map<string, tf.Tensor>;
  /** Names of the first unit, then of the second. */
  readonly units: readonly (readonly string[])[];
  state(): StateDict;
  predict(): Float32Array;
  dispose(): void;
}

const images = () => tf.tensor4d(wave(2 * 8 * 8 * 3, 9), [2, 8, 8, 3]);
const predictions = (run: (images: tf.Tensor4D) => tf.Tensor) =>
  Float32Array.from(tf.tidy(() => run(images()).dataSync()));
const stateOf = (weights: Iterable<readonly [string, tf.Tensor]>): StateDict =>
  new Map([...weights].map(([name, t]) => [name, tensorData('F32', t.shape, t.dataSync() as Float32Array)]));

/** conv2d, batch norm, depthwise conv2d and dense of tf.layers, whose kernels are HWIO, HWCM and [in, out]. */
export function layersModel(): SubjectModel {
  const model = layers.sequential({
    layers: [
      layers.layers.conv2d({
        inputShape: [8, 8, 3],
        filters: 4,
        kernelSize: 3,
        activation: 'relu',
        name: 'stem',
      }),
      layers.layers.batchNormalization({ name: 'norm' }),
      layers.layers.depthwiseConv2d({ kernelSize: 3, name: 'depthwise' }),
      layers.layers.flatten(),
      layers.layers.dense({ units: 5, name: 'head' }),
    ],
  });
  model.setWeights(
    model.getWeights().map((w, i) =>
      tf.tensor(
        wave(w.size, i).map((v) => Math.abs(v) + 0.01 * i),
        w.shape,
      ),
    ),
  );
  const names = model.weights.map(({ name }) => name);
  const weights = () => model.weights.map((w) => [w.name, w.read()] as const);
  return {
    source: model,
    units: [
      names.filter((name) => /^(stem|norm)/.test(name)),
      names.filter((name) => !/^(stem|norm)/.test(name)),
    ],
    state: () => stateOf(weights()),
    predict: () => predictions((x) => model.predict(x) as tf.Tensor),
    dispose: () => model.dispose(),
  };
}

/** conv, bias, relu and a product as TensorFlow's converter writes them. */
export async function graphModel(): Promise<SubjectModel> {
  const shapes = { 'conv/w': [3, 3, 3, 4], 'conv/b': [4], 'head/w': [144, 5] };
  const floats = { type: 'DT_FLOAT' };
  const constant = (name: string, shape: readonly number[], dtype = 'DT_FLOAT') => ({
    ...{ name, op: 'Const' },
    attr: {
      dtype: { type: dtype },
      value: { tensor: { dtype, tensorShape: { dim: shape.map((dim) => ({ size: String(dim) })) } } },
    },
  });
  const text = (value: string) => ({ s: Buffer.from(value).toString('base64') });
  const ones = { list: { i: ['1', '1', '1', '1'] } };
  const node = [
    {
      ...{ name: 'x', op: 'Placeholder' },
      attr: { dtype: floats, shape: { shape: { dim: [-1, 8, 8, 3].map((dim) => ({ size: String(dim) })) } } },
    },
    ...Object.entries(shapes).map(([name, shape]) => constant(name, shape)),
    constant('flat', [2], 'DT_INT32'),
    {
      ...{ name: 'conv', op: '_FusedConv2D', input: ['x', 'conv/w', 'conv/b'] },
      attr: {
        ...{ T: floats, strides: ones, dilations: ones, padding: text('VALID'), data_format: text('NHWC') },
        ...{ num_args: { i: '1' }, fused_ops: { list: { s: ['BiasAdd', 'Relu'].map((op) => text(op).s) } } },
        epsilon: { f: 0 },
      },
    },
    {
      name: 'flattened',
      op: 'Reshape',
      input: ['conv', 'flat'],
      attr: { T: floats, Tshape: { type: 'DT_INT32' } },
    },
    {
      ...{ name: 'logits', op: 'MatMul', input: ['flattened', 'head/w'] },
      attr: { T: floats, transpose_a: { b: false }, transpose_b: { b: false } },
    },
  ];
  const values = Object.entries(shapes).map(([, shape], i) => wave(size(shape), i));
  const weightData = await new Blob([
    ...(values as Float32Array<ArrayBuffer>[]),
    Int32Array.of(-1, 144),
  ]).arrayBuffer();
  const model = await converter.loadGraphModel({
    load: async () => ({
      modelTopology: { node, library: {}, versions: {} },
      weightSpecs: [
        ...Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: 'float32' as const })),
        { name: 'flat', shape: [2], dtype: 'int32' as const },
      ],
      weightData,
    }),
  });
  return {
    source: model,
    units: [['conv/w', 'conv/b'], ['head/w']],
    state: () => stateOf(Object.keys(shapes).map((name) => [name, model.weights[name]![0]!])),
    predict: () => predictions((x) => model.predict(x) as tf.Tensor),
    dispose: () => model.dispose(),
  };
}

/** Tensors, or variables, by name, and a function of them. */
export function tensorMap(kind: 'tensors' | 'variables'): SubjectModel {
  const shapes = { conv: [3, 3, 3, 4], product: [144, 5], bias: [5] };
  const weights = new Map(
    Object.entries(shapes).map(([name, shape], i) => {
      const initial = tf.tensor(wave(size(shape), i), shape);
      if (kind === 'tensors') return [name, initial];
      const variable = tf.variable(initial);
      initial.dispose();
      return [name, variable];
    }),
  );
  const at = (name: keyof typeof shapes) => weights.get(name)!;
  return {
    source: weights,
    units: [['conv'], ['product', 'bias']],
    state: () => stateOf(weights),
    predict: () =>
      predictions((x) => {
        const features = tf.conv2d(x, at('conv') as tf.Tensor4D, 1, 'valid');
        return tf.add(tf.matMul(tf.reshape(features, [2, 144]), at('product')), at('bias'));
      }),
    dispose: () => {
      for (const tensor of weights.values()) tensor.dispose();
    },
  };
}

/** A signature of that model, extracted from its own weights in its own layouts. */
export async function signatureOf(
  state: StateDict,
  units: readonly (readonly string[])[],
  seed: number,
  k = units.length,
): Promise<Signature> {
  const robust = new Map(
    [...state].map(([name, tensor], i) => {
      const noise = wave(toFloat32(tensor).length, seed + i);
      return [
        name,
        tensorData(
          'F32',
          tensor.shape,
          toFloat32(tensor).map((v, j) => v + 0.2 * noise[j]!),
        ),
      ];
    }),
  );
  return (await extract({ standard: state, robust, units, k, bits: 4, about: { name: `s${seed}` } }))
    .signature;
}
