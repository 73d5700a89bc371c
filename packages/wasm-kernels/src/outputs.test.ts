import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { WasmBackend } from './heap.ts';
import { kernelReport } from './install.ts';

const run = (kernel: string, inputs: tf.NamedTensorMap, attrs: tf.NamedAttrMap = {}): tf.Tensor[] =>
  [tf.engine().runKernel(kernel, inputs, attrs)].flat();

const images = (channels: number): tf.Tensor4D => tf.ones([1, 5, 5, channels]);
const same = (shape: object): Record<string, number> =>
  ({ strides: 1, pad: 'same', ...shape }) as unknown as Record<string, number>;

const mlp = () => ({
  x: tf.ones([3, 4]),
  weight: tf.ones([4]),
  bias: tf.ones([4]),
  weight1: tf.ones([5, 4]),
  bias1: tf.ones([5]),
  weight2: tf.ones([4, 5]),
  bias2: tf.ones([4]),
});
const attention = () => ({
  x: tf.ones([2, 3, 4]),
  weight: tf.ones([4]),
  bias: tf.ones([4]),
  weightIn: tf.ones([12, 4]),
  biasIn: tf.ones([12]),
  weightOut: tf.ones([4, 4]),
  biasOut: tf.ones([4]),
});

/** A quantized layer [outputs, width], or its quantizer alone, and its numbers, under names that end alike. */
const layer = (end: string, outputs: number, width: number): Record<string, tf.Tensor> => ({
  [`weight${end}`]: tf.ones([outputs, width]),
  [`bias${end}`]: tf.ones([outputs]),
  [`step${end}`]: tf.ones([3]),
  [`before${end}`]: tf.ones([width]),
  [`after${end}`]: tf.ones([width]),
});
const quantizer = (end: string, inner = end === '2' ? 5 : 4): Record<string, number> => ({
  [`inner${end}`]: inner,
  [`low${end}`]: -2,
  [`high${end}`]: 1,
  [`gradientScale${end}`]: 1,
  [`levels${end}`]: 2,
});
const attentionLayers = (): Record<string, tf.Tensor> => ({
  ...layer('X', 4, 4),
  ...layer('K', 8, 8),
  weightK: tf.ones([8, 4]),
  ...layer('V', 4, 4),
  ...layer('P', 4, 4),
});
const attentionNumbers = {
  ...{ heads: 2, scale: 1, high: 3, gradientScale: 1 },
  ...quantizer('X'),
  ...quantizer('K', 8),
  ...quantizer('V'),
  ...quantizer('P'),
};

const KERNELS: Readonly<Record<string, () => tf.Tensor[]>> = {
  BatchMatMul: () => [tf.matMul(tf.ones([2, 3, 4]), tf.ones([4, 5]))],
  _FusedMatMul: () => [
    tf.fused.matMul({ a: tf.ones([3, 4]), b: tf.ones([4, 5]), bias: tf.ones([5]), activation: 'elu' }),
  ],
  MaxPoolGrad: () => {
    const [dy, input] = [tf.ones([1, 2, 2, 1]), tf.ones([1, 4, 4, 1])];
    return [
      tf
        .engine()
        .runKernel('MaxPoolGrad', { dy, input, output: dy }, { filterSize: 2, strides: 2, pad: 'valid' }),
    ].flat();
  },
  Conv2D: () => [tf.conv2d(images(2), tf.ones([3, 3, 2, 4]), 1, 'same')],
  FusedConv2D: () => [
    tf.fused.conv2d({
      x: images(2),
      filter: tf.ones([3, 3, 2, 4]),
      strides: 1,
      pad: 'same',
      bias: tf.ones([4]),
      activation: 'elu',
    }),
  ],
  Conv2DBackpropInput: () => [tf.conv2dTranspose(images(4), tf.ones([3, 3, 2, 4]), [1, 5, 5, 2], 1, 'same')],
  Conv2DBackpropFilter: () =>
    run('Conv2DBackpropFilter', { x: images(2), dy: images(4) }, same({ filterShape: [3, 3, 2, 4] })),
  DepthwiseConv2dNative: () => [tf.depthwiseConv2d(images(2), tf.ones([3, 3, 2, 1]), 1, 'same')],
  FusedDepthwiseConv2D: () => [
    tf.fused.depthwiseConv2d({
      x: images(2),
      filter: tf.ones([3, 3, 2, 1]),
      strides: 1,
      pad: 'same',
      activation: 'elu',
    }),
  ],
  DepthwiseConv2dNativeBackpropInput: () =>
    run(
      'DepthwiseConv2dNativeBackpropInput',
      { dy: images(2), filter: tf.ones([3, 3, 2, 1]) },
      same({ inputShape: [1, 5, 5, 2] }),
    ),
  DepthwiseConv2dNativeBackpropFilter: () =>
    run(
      'DepthwiseConv2dNativeBackpropFilter',
      { x: images(2), dy: images(2) },
      same({ filterShape: [3, 3, 2, 1] }),
    ),
  GatherV2: () => [tf.gather(tf.ones([2, 3, 4]), tf.tensor1d([2, 0], 'int32'), 1)],
  UnsortedSegmentSum: () => [tf.unsortedSegmentSum(tf.ones([3, 2]), tf.tensor1d([0, 1, 0], 'int32'), 2)],
  Transpose: () => [tf.transpose(tf.ones([3, 4, 5]), [2, 0, 1])],
  Einsum: () => [tf.einsum('abc,dbe->ead', tf.ones([2, 3, 4]), tf.ones([5, 3, 2]))],
  'proj.Linear': () =>
    run('proj.Linear', { x: tf.ones([3, 4]), weight: tf.ones([5, 4]), bias: tf.ones([5]) }),
  'proj.ColumnSums': () => run('proj.ColumnSums', { x: tf.ones([3, 4]) }),
  'proj.LayerNorm': () =>
    run('proj.LayerNorm', { x: tf.ones([3, 4]), weight: tf.ones([4]), bias: tf.ones([4]) }, { eps: 1e-6 }),
  'proj.LayerNormGradient': () => {
    const [dy, x, kept] = [tf.ones([3, 4]), tf.ones([3, 4]), tf.ones([3, 1])];
    return run('proj.LayerNormGradient', { dy, x, weight: tf.ones([4]), mean: kept, inverse: kept });
  },
  'proj.Gelu': () => run('proj.Gelu', { x: tf.ones([3, 4]) }),
  'proj.GeluGradient': () => run('proj.GeluGradient', { dy: tf.ones([3, 4]), x: tf.ones([3, 4]) }),
  'proj.GeluTanh': () => run('proj.GeluTanh', { x: tf.ones([3, 4]) }),
  'proj.GeluTanhGradient': () => run('proj.GeluTanhGradient', { dy: tf.ones([3, 4]), x: tf.ones([3, 4]) }),
  'proj.Softmax': () => run('proj.Softmax', { x: tf.ones([2, 3, 4]), mask: tf.ones([3, 4]) }, { scale: 1 }),
  'proj.SoftmaxGradient': () => {
    const [y, mask] = [tf.ones([2, 3, 4]), tf.ones([3, 4])];
    return run('proj.SoftmaxGradient', { dy: y, y, mask }, { scale: 1 });
  },
  'proj.Attention': () => {
    const [q, k, mask] = [tf.ones([2, 3, 4]), tf.ones([2, 5, 4]), tf.ones([3, 5])];
    return run('proj.Attention', { q, k, v: k, mask }, { scale: 1 });
  },
  'proj.AttentionGradient': () => {
    const [q, k, p] = [tf.ones([2, 3, 4]), tf.ones([2, 5, 4]), tf.ones([2, 3, 5])];
    return run('proj.AttentionGradient', { dy: q, q, k, v: k, p, mask: tf.ones([3, 5]) }, { scale: 1 });
  },
  'proj.BatchNorm': () => {
    const row = tf.ones([4]);
    const inputs = { x: tf.ones([3, 4]), weight: row, bias: row, mean: row, variance: row };
    return run('proj.BatchNorm', inputs, { eps: 1e-5 });
  },
  'proj.BatchNormGradient': () => {
    const [x, row] = [tf.ones([3, 4]), tf.ones([4])];
    const inputs = { dy: x, x, weight: row, mean: row, variance: row };
    return run('proj.BatchNormGradient', inputs, { eps: 1e-5, training: 1 });
  },
  'proj.ChannelStatistics': () => run('proj.ChannelStatistics', { x: tf.ones([3, 4]) }),
  'proj.CrossEntropy': () => run('proj.CrossEntropy', { logits: tf.ones([3, 4]), targets: tf.ones([3, 4]) }),
  'proj.AttentionPacked': () =>
    run('proj.AttentionPacked', { qkv: tf.ones([2, 3, 12]) }, { heads: 2, scale: 1 }),
  'proj.AttentionPackedGradient': () => {
    const [dy, qkv, p] = [tf.ones([2, 3, 4]), tf.ones([2, 3, 12]), tf.ones([2, 2, 3, 3])];
    return run('proj.AttentionPackedGradient', { dy, qkv, p }, { heads: 2, scale: 1 });
  },
  'proj.Lsq': () =>
    run('proj.Lsq', { x: tf.ones([3, 4]), step: tf.ones([3]) }, { inner: 4, low: -2, high: 1 }),
  'proj.LsqGradient': () => {
    const [x, step, before] = [tf.ones([3, 4]), tf.ones([3]), tf.ones([4])];
    const attrs = { inner: 4, low: -2, high: 1, gradientScale: 1 };
    return run('proj.LsqGradient', { dy: x, x, step, before }, attrs);
  },
  'proj.Statsq': () => run('proj.Statsq', { w: tf.ones([3, 4]) }, { levels: 2, groups: 3, inner: 4 }),
  'proj.CgaMask': () => run('proj.CgaMask', { w: tf.ones([3, 4]) }, { levels: 2, range: 0.1 }),
  'proj.QuantizedAttention': () => {
    const [q, step, mask] = [tf.ones([2, 3, 4]), tf.ones([3]), tf.ones([1, 2, 3, 3])];
    return run('proj.QuantizedAttention', { q, k: q, v: q, step, mask }, { heads: 2, scale: 1, high: 3 });
  },
  'proj.QuantizedAttentionGradient': () => {
    const [q, step, mask, p] = [
      tf.ones([2, 3, 4]),
      tf.ones([3]),
      tf.ones([1, 2, 3, 3]),
      tf.ones([2, 2, 3, 3]),
    ];
    const attrs = { heads: 2, scale: 1, high: 3, gradientScale: 1 };
    return run('proj.QuantizedAttentionGradient', { dy: q, q, k: q, v: q, step, mask, p }, attrs);
  },
  'proj.MlpBlock': () => run('proj.MlpBlock', mlp(), { eps: 1e-5, keep: 1 }),
  'proj.MlpBlockGradient': () => {
    const { bias1, bias2, ...read } = mlp();
    const [row, hidden] = [tf.ones([3]), tf.ones([3, 5])];
    const kept = { dy: read.x, mean: row, inverse: row, active: hidden, slope: hidden };
    return run('proj.MlpBlockGradient', { ...read, ...kept }, { eps: 1e-5 });
  },
  'proj.AttentionBlock': () =>
    run(
      'proj.AttentionBlock',
      { ...attention(), mask: tf.ones([1, 2, 3, 3]) },
      { eps: 1e-5, heads: 2, scale: 1, keep: 1 },
    ),
  'proj.AttentionBlockGradient': () => {
    const { biasIn, biasOut, ...read } = attention();
    const [row, p, mask] = [tf.ones([6]), tf.ones([2, 2, 3, 3]), tf.ones([1, 2, 3, 3])];
    const kept = { dy: read.x, mean: row, inverse: row, qkv: tf.ones([6, 12]), attended: read.x, p };
    return run('proj.AttentionBlockGradient', { ...read, ...kept, mask }, { eps: 1e-5, heads: 2, scale: 1 });
  },
  'proj.QuantizedMlp': () => {
    const [x, ...layers] = [tf.ones([2, 3, 4]), layer('1', 5, 4), layer('2', 4, 5)];
    const attrs = { ...quantizer('1'), ...quantizer('2'), keep: 1 };
    return run('proj.QuantizedMlp', { x, ...layers[0], ...layers[1], residual: x }, attrs);
  },
  'proj.QuantizedMlpGradient': () => {
    const [x, hidden, quantized] = [tf.ones([2, 3, 4]), tf.ones([2, 3, 5]), tf.ones([5, 4])];
    const kept = { quantized1: quantized, quantized2: tf.ones([4, 5]), hidden, slope: hidden };
    const inputs = { dy: x, x, ...layer('1', 5, 4), ...layer('2', 4, 5), ...kept };
    return run('proj.QuantizedMlpGradient', inputs, { ...quantizer('1'), ...quantizer('2') });
  },
  'proj.QuantizedAttentionBlock': () => {
    const [x, step, mask] = [tf.ones([2, 3, 4]), tf.ones([3]), tf.ones([1, 2, 3, 3])];
    const inputs = { x, ...attentionLayers(), step, mask, residual: x };
    return run('proj.QuantizedAttentionBlock', inputs, { ...attentionNumbers, keep: 1 });
  },
  'proj.QuantizedAttentionBlockGradient': () => {
    const [x, step, mask] = [tf.ones([2, 3, 4]), tf.ones([3]), tf.ones([1, 2, 3, 3])];
    const [quantizedK, w, keys, p] = [
      tf.ones([8, 4]),
      tf.ones([4, 4]),
      tf.ones([2, 3, 8]),
      tf.ones([2, 2, 3, 3]),
    ];
    const kept = { quantizedK, quantizedV: w, quantizedP: w, keys, values: x, attended: x, p };
    const inputs = { dy: x, x, ...attentionLayers(), step, mask, ...kept };
    return run('proj.QuantizedAttentionBlockGradient', inputs, attentionNumbers);
  },
  'proj.AdamW': () => {
    const [w, m] = [tf.ones([3, 4]), tf.ones([3, 4])];
    const numbers = { beta1: 0.9, rest1: 0.1, beta2: 0.9, rest2: 0.1, correction: 1, eps: 1, stepSize: 1 };
    return run('proj.AdamW', { 0: m, 1: w, 2: m, 3: tf.clone(w) }, { ...numbers, count: 1, keeps: [1] });
  },
  'proj.Sgd': () => {
    const [w, g] = [tf.ones([3, 4]), tf.ones([3, 4])];
    return run('proj.Sgd', { 0: g, 1: w, 2: g }, { rate: 1, momentum: 1, decay: 1, count: 1 });
  },
  'proj.GlobalNorm': () => run('proj.GlobalNorm', { 0: tf.ones([3]), 1: tf.ones([2]) }),
};

/** Counts what is allocated on the heap, and lets it be full after a number of allocations. */
class Allocations {
  open = 0;
  left = Number.POSITIVE_INFINITY;

  constructor({ wasm }: WasmBackend) {
    const { _malloc: malloc, _free: free } = wasm;
    wasm._malloc = (bytes) => {
      // More than there can be, so that the heap itself says that it is full.
      const offset = malloc(this.left-- > 0 ? bytes : 2 ** 32 - 1);
      this.open++;
      return offset;
    };
    wasm._free = (offset) => {
      free(offset);
      this.open--;
    };
  }
}

describe('a kernel that runs out of memory', () => {
  let allocations: Allocations;

  beforeAll(async () => {
    await tf.setBackend('wasm');
    tf.dispose(tf.ones([1])); // Emscripten's _free puts another in its place when it is first called.
    allocations = new Allocations(tf.backend() as unknown as WasmBackend);
  });

  it("is each of ours but those that are tfjs's own, or allocate nothing", () => {
    const others = ['Identity', 'Cumsum', 'Cumprod'];
    expect(kernelReport().kernels.filter((name) => !(name in KERNELS))).toEqual(others);
  });

  it.each(Object.keys(KERNELS))(
    'gives back all that it had allocated, whichever allocation fails: %s',
    (name) => {
      const state = () => [allocations.open, tf.memory().numTensors, tf.memory().numBytes];
      const before = state();
      let failures = 0;
      for (let after = 0; ; after++, failures++) {
        allocations.left = after;
        let failed: unknown;
        try {
          tf.tidy(() => {
            expect(KERNELS[name]!().length).toBeGreaterThan(0);
          });
        } catch (error) {
          failed = error;
        }
        allocations.left = Number.POSITIVE_INFINITY;
        expect(state()).toEqual(before);
        if (failed === undefined) break;
        expect(failed).toMatchObject({ code: 'WASM_KERNELS_OUT_OF_MEMORY' });
      }
      expect(failures).toBeGreaterThan(1);
    },
  );
});
