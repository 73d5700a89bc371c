import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { type OfqCase, ofqCase, ofqCaseNames } from '@proj/fixtures';
import { qLinear } from '@proj/quant-stats';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectReference, group, live } from '../test/reference.ts';
import { inWindows } from '../test/windows.ts';
import { qkrAttention } from './attention.ts';
import type { QkrSpec } from './spec.ts';
import { qkrInitialSteps, qkrIntermediates } from './stages.ts';

type Run = (x: tf.Tensor, parameters: ReadonlyMap<string, tf.Tensor>) => tf.Tensor;

const cases = (module: string): OfqCase[] =>
  ofqCaseNames()
    .filter((name) => name.includes('attn'))
    .map((name) => ofqCase(name))
    .filter(({ ref }) => ref.includes(`${module}.forward`));

const specOf = ({ config }: OfqCase): QkrSpec => {
  const bits = (config['bits'] ?? 2) as 2 | 3 | 4;
  return { heads: config['num_heads'] as number, weightBits: bits, activationBits: bits };
};

/** The value, the gradient of x and all of the parameters', against the reference's. */
function expectAll(entry: OfqCase, run: Run): void {
  const [x, g, parameters] = [live(entry, 'x'), live(entry, 'g'), group(entry, 'param')];
  const names = [...parameters.keys()];
  const value = (x: tf.Tensor, ...values: tf.Tensor[]) =>
    run(x, new Map(names.map((name, i) => [name, values[i]!])));
  expectReference(entry, 'y', run(x, parameters));
  const [dx, ...gradients] = tf.grads(value as (...given: tf.Tensor[]) => tf.Tensor)(
    [x, ...parameters.values()],
    g,
  );
  expectReference(entry, 'dx', dx!);
  for (const [i, name] of names.entries()) expectReference(entry, `grad.${name}`, gradients[i]!);
}

describe.each(['wasm', 'cpu'])('qkrAttention on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each(
    [...cases('QAttention_qkreparam'), ...cases('QAttention_qkreparam_4_cga')].map(
      (entry) => [entry.name, entry] as const,
    ),
  )('has the value and every gradient of the reference: %s', (_, entry) => {
    tf.tidy(() => expectAll(entry, (x, parameters) => qkrAttention(x, parameters, '', specOf(entry))));
  });

  it.each(cases('QAttention_swin_qkreparam').map((entry) => [entry.name, entry] as const))(
    'is window attention with bias and shift mask given as a mask: %s',
    (_, entry) => {
      const { config } = entry;
      const windows = {
        heads: config['num_heads'] as number,
        window: (config['window'] as number[])[0]!,
        shift: (config['shift'] as number[])[0]!,
      };
      tf.tidy(() =>
        expectAll(entry, (x, parameters) =>
          inWindows(x, parameters.get('relative_position_bias_table')!, windows, (sequences, mask) =>
            qkrAttention(sequences, parameters, '', specOf(entry), { mask }),
          ),
        ),
      );
    },
  );

  const entry = ofqCase('attn_qkr_w2a2');
  const spec = { heads: 3, weightBits: 2, activationBits: 2 } as const;

  it('finds its parameters after a prefix, adds a residual, and leaves no tensor behind', () => {
    const [x, parameters] = [live(entry, 'x'), group(entry, 'param')];
    const inBlock = new Map([...parameters].map(([name, tensor]) => [`blocks.0.attn.${name}`, tensor]));
    const before = tf.memory().numTensors;
    const y = qkrAttention(x, inBlock, 'blocks.0.attn', spec, { residual: x });
    expect(tf.memory().numTensors).toBe(before + 1);
    expectReference(entry, 'y', tf.sub(y, x));
  });

  it('gives proj the bits that a plan has for it, and everything else its own', () => {
    const [x, parameters] = [live(entry, 'x'), group(entry, 'param')];
    const own = { ...spec, proj: { weight: 8, activation: 4 } } as const;
    const y = qkrAttention(x, parameters, '', own);
    const stages = qkrIntermediates(x, parameters, '', own);
    expectReference(entry, 'inter.quan_a_softmax_fn.out', stages.get('quan_a_softmax_fn.out')!);
    const layer = { prefix: 'proj', bits: own.proj, signed: true, weights: 'statsq' } as const;
    const expected = qLinear(stages.get('proj.in')!, parameters, layer).dataSync();
    for (const [i, value] of y.dataSync().entries()) expect(value).toBeCloseTo(expected[i]!, 5);
    const same = qkrAttention(x, parameters, '', { ...spec, proj: { weight: 2, activation: 2 } });
    expect(same.dataSync()).toEqual(qkrAttention(x, parameters, '', spec).dataSync());
    expect(qkrInitialSteps(x, parameters, '', own).get('proj.input_quant_fn.s')!.dataSync()).not.toEqual(
      qkrInitialSteps(x, parameters, '', spec).get('proj.input_quant_fn.s')!.dataSync(),
    );
  });

  it('quantizes what `merged` makes of the product, and its gradient passes through that', () => {
    const [x, parameters] = [live(entry, 'x'), group(entry, 'param')];
    const q = parameters.get('q.weight')!;
    const gradient = (merged?: (product: tf.Tensor) => tf.Tensor): tf.Tensor =>
      tf.grad((q) =>
        qkrAttention(x, new Map([...parameters, ['q.weight', q]]), '', spec, merged ? { merged } : {}),
      )(q, live(entry, 'g'));
    expectReference(entry, 'grad.q.weight', gradient());
    const stopped = gradient((product) =>
      tf.customGrad((product) => ({
        value: tf.clone(product as tf.Tensor),
        gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
      }))(product),
    );
    expect(tf.max(tf.abs(stopped)).dataSync()[0]).toBe(0);
  });

  it('lets no clip hide a value that is not finite', () => {
    const [x, parameters] = [live(entry, 'x'), group(entry, 'param')];
    const holed = tf.tensor(
      x.dataSync().map((value, i) => (i === 5 ? Number.NaN : value)),
      x.shape,
    );
    const y = qkrAttention(holed, parameters, '', spec).dataSync();
    expect(y.some(Number.isNaN)).toBe(true);
  });

  it('says which parameters are missing or misshapen, all at once, and what fixes the number of tokens', () => {
    const [x, parameters] = [live(entry, 'x'), group(entry, 'param')];
    parameters.delete('v.bias');
    parameters.set('k.weight', tf.zeros([4, 24]));
    const shorter = tf.slice(x, [0, 0, 0], [2, 6, 24]);
    const run =
      (x: tf.Tensor, wrong: Partial<QkrSpec> = {}) =>
      () =>
        qkrAttention(x, parameters, '', { ...spec, ...wrong });
    expect(run(x)).toThrow(
      'an attention of 7 tokens, width 24 and 3 heads: "k.weight" is [4, 24], expected [24, 24]; "v.bias" is missing, expected [24].',
    );
    expect(run(shorter)).toThrow('"quan_a_qkx_fn.s" is [21], expected [18]');
    expect(run(shorter)).toThrow('Its steps fix the number of tokens');
    expect(run(tf.zeros([7, 24]))).toThrow('x must be float32 [batch, tokens, width], got float32 [7, 24].');
    expect(run(x, { heads: 5 })).toThrow('width a multiple of heads, got tokens = 7, width = 24, heads = 5.');
    expect(run(x, { weightBits: 1 as 2 })).toThrow('weightBits must be 2, 3, 4 or 8, got 1.');
    expect(run(x, { proj: { weight: 2, activation: 2.5 as 2 } })).toThrow(
      expect.objectContaining({ name: 'QkrError', code: 'QKR_OPTION_INVALID' }),
    );
  });
});
