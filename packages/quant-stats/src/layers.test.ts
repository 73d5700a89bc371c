import type { OfqCase } from '@proj/fixtures';
import {
  grads,
  memory,
  reshape,
  type Tensor,
  tensor1d,
  tensor4d,
  transpose,
  zeros,
} from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { describeOnBackends } from '../test/backends.ts';
import { casesOf, expectReference, live, parametersOf } from '../test/reference.ts';
import type { Bits, LayerBits } from './bits.ts';
import { dampening } from './dampening.ts';
import { initLsqInput, lsqInput } from './lsq-input.ts';
import { OscillationTracker } from './oscillation-tracker.ts';
import { initQHead, qHead } from './q-head.ts';
import { initQLinear, type QLinearSpec, qLinear } from './q-linear.ts';
import { initQMlp, qMlp } from './q-mlp.ts';
import { initQPatchEmbed, observeSign, qPatchEmbed } from './q-patch-embed.ts';
import { lsqRows, lsqTokens, statsq2d } from './quantizers.ts';

type Parameters = ReadonlyMap<string, Tensor>;
const prefix = 'blocks.3.layer';
const both = (bits: unknown): LayerBits => ({ weight: bits as Bits, activation: bits as Bits });

/** Holds value and gradients against the case, and the steps that a layer starts with. */
function expectLayer(
  entry: OfqCase,
  forward: (x: Tensor, parameters: Parameters) => Tensor,
  init: (x: Tensor, parameters: Parameters) => Parameters,
): void {
  const parameters = parametersOf(entry, prefix);
  const names = [...parameters.keys()];
  const x = live(entry, 'x');
  expectReference(entry, 'y', forward(x, parameters));
  const run = (x: Tensor, ...values: Tensor[]) =>
    forward(x, new Map(values.map((value, i) => [names[i]!, value])));
  const [dx, ...gradients] = grads(run as (...inputs: Tensor[]) => Tensor)(
    [x, ...parameters.values()],
    live(entry, 'g'),
  );
  expectReference(entry, 'dx', dx!);
  for (const [i, name] of names.entries()) {
    expectReference(entry, `grad.${name.slice(prefix.length + 1)}`, gradients[i]!);
  }

  const float = [...parameters].filter(([name]) => /(?<!move_(b4|aft))\.(weight|bias)$/.test(name));
  const added = init(x, new Map(float));
  expect(new Set([...float.map(([name]) => name), ...added.keys()])).toEqual(new Set(names));
  for (const [name, tensor] of added) {
    if (name.endsWith('.s')) expectReference(entry, `init.${name.slice(prefix.length + 1)}`, tensor);
    else expect(new Set(tensor.dataSync()), name).toEqual(new Set([0]));
    expect(tensor.shape, name).toEqual(parameters.get(name)!.shape);
  }
}

describeOnBackends('the layers of the reference', () => {
  it('LSQ with offsets: values, steps, and the gradients of input, step and both offsets', () => {
    for (const entry of casesOf(/^lsq_input_offset_/)) {
      const spec = { prefix, quantizer: lsqTokens(entry.config['bit'] as Bits) };
      expectLayer(
        entry,
        (x, parameters) => lsqInput(x, parameters, spec),
        (x) => initLsqInput(x, spec),
      );
    }
  });

  it('QLinear, signed and unsigned, with 2, 3, 4 and 8 bits', () => {
    for (const entry of casesOf(/^qlinear_/)) {
      const { weight_bits: weight, input_bits: activation, symmetric } = entry.config;
      const spec: QLinearSpec = {
        prefix,
        bits: { weight: weight as Bits, activation: activation as Bits },
        signed: symmetric === true,
        weights: 'statsq',
      };
      expectLayer(
        entry,
        (x, parameters) => qLinear(x, parameters, spec),
        (x, parameters) => initQLinear(x, parameters, spec),
      );
    }
  });

  it('QMLP, whose second layer starts with what the first makes when quantized', () => {
    for (const entry of casesOf(/^qmlp_/)) {
      const bits = both(entry.config['bits']);
      const spec = { prefix, fc1: bits, fc2: bits, weights: 'statsq' } as const;
      expectLayer(
        entry,
        (x, parameters) => qMlp(x, parameters, spec),
        (x, parameters) => initQMlp(x, parameters, spec),
      );
    }
  });

  it('the head with 8 bits', () => {
    for (const entry of casesOf(/^head_/)) {
      const spec = { prefix, bits: both(entry.config['bits']) };
      expectLayer(
        entry,
        (x, parameters) => qHead(x, parameters, spec),
        (x, parameters) => initQHead(x, parameters, spec),
      );
    }
  });

  it('the patch embedding with 8 bits, offsets of pixels included', () => {
    for (const entry of casesOf(/^patch_embed_/)) {
      const spec = { prefix, bits: both(8) };
      const side = (entry.config['img'] as number) / (entry.config['kernel'] as number);
      const buffers = new Map([[`${prefix}.input_quant_fn.signed`, tensor1d([1])]]);
      expectLayer(
        entry,
        (x, parameters) => {
          const patches = qPatchEmbed(x, parameters, buffers, spec);
          const [batch, , out] = patches.shape as [number, number, number];
          return reshape(transpose(patches, [0, 2, 1]), [batch, out, side, side]);
        },
        (x, parameters) => {
          const added = initQPatchEmbed(x, parameters, spec);
          expect([...added.buffers.values()].map((flag) => [...flag.dataSync()])).toEqual([[1]]);
          return added.parameters;
        },
      );
    }
  });
});

describeOnBackends('quantized layers', () => {
  const bits = both(2);
  const entries = () => casesOf(/^qlinear_signed_w2a2$/) as [OfqCase];

  it('add a residual', () => {
    const [entry] = entries();
    const spec = { prefix, bits, signed: true, weights: 'statsq' } as const;
    const parameters = parametersOf(entry, prefix);
    const [x, residual] = [live(entry, 'x'), live(entry, 'g')];
    for (const weights of ['statsq', 'lsq'] as const) {
      const added = initQLinear(x, parameters, { ...spec, weights });
      const all = new Map([...added, ...parameters]);
      const y = qLinear(x, all, { ...spec, weights }).dataSync();
      const sum = qLinear(x, all, { ...spec, weights }, residual).dataSync();
      const [r, worst] = [residual.dataSync(), Math.max(...y.map(Math.abs))];
      for (const [i, value] of sum.entries())
        expect(Math.abs(value - y[i]! - r[i]!)).toBeLessThan(1e-5 * worst);
    }
  });

  it('take feature maps [B, H, W, C] with a step for each column', () => {
    const [entry] = entries();
    const spec: QLinearSpec = { prefix, bits, signed: true, weights: 'statsq' };
    const parameters = parametersOf(entry, prefix);
    const [batch, tokens, width] = live(entry, 'x').shape as [number, number, number];
    const y = qLinear(reshape(live(entry, 'x'), [1, batch, tokens, width]), parameters, spec);
    expectReference(entry, 'y', reshape(y, [batch, tokens, -1]));
  });

  it('with weights by LSQ+ are those by LSQ, but for where their steps start', () => {
    const [entry] = entries();
    const [x, float] = [live(entry, 'x'), parametersOf(entry, prefix)];
    const lsq: QLinearSpec = { prefix, bits, signed: true, weights: 'lsq' };
    const plus: QLinearSpec = { ...lsq, weights: 'lsq+' };
    const [first, other] = [initQLinear(x, float, lsq), initQLinear(x, float, plus)];
    expect([...other.keys()]).toEqual([...first.keys()]);
    const name = `${prefix}.lsqw_fn.s`;
    expect(other.get(name)!.dataSync()).not.toEqual(first.get(name)!.dataSync());
    const run =
      (spec: QLinearSpec) =>
      (weight: Tensor, step: Tensor): Tensor =>
        qLinear(x, new Map([...other, ...float, [`${prefix}.weight`, weight], [name, step]]), spec);
    const given: [Tensor, Tensor] = [float.get(`${prefix}.weight`)!, other.get(name)!];
    expect(run(plus)(...given).dataSync()).toEqual(run(lsq)(...given).dataSync());
    const gradients = (spec: QLinearSpec): unknown[] =>
      grads(run(spec) as (...inputs: Tensor[]) => Tensor)(given, live(entry, 'g')).map((d) => d.dataSync());
    expect(gradients(plus)).toEqual(gradients(lsq));
  });

  it('have an MLP of the LSQ baseline, which is its two layers', () => {
    const [entry] = casesOf(/^qmlp_w2a2$/) as [OfqCase];
    const spec = { prefix, fc1: bits, fc2: both(4), weights: 'lsq' } as const;
    const x = live(entry, 'x');
    const float = parametersOf(entry, prefix);
    const parameters = new Map([...float, ...initQMlp(x, float, spec)]);
    expect(parameters.get(`${prefix}.fc1.lsqw_fn.s`)!.shape).toEqual([48]);
    const [dx, dStep] = grads((x, step) =>
      qMlp(x!, new Map(parameters).set(`${prefix}.fc2.lsqw_fn.s`, step!), spec),
    )([x, parameters.get(`${prefix}.fc2.lsqw_fn.s`)!]);
    expect(dx!.shape).toEqual(x.shape);
    expect(dStep!.dataSync().some((value) => value !== 0)).toBe(true);
  });

  it('leave nothing but what they return', () => {
    const [entry] = entries();
    const [x, float] = [live(entry, 'x'), parametersOf(entry, prefix)];
    const [images] = casesOf(/^patch_embed_/) as [OfqCase];
    const [pixels, kernel] = [live(images, 'x'), parametersOf(images, prefix)];
    const made = (run: () => unknown): number => {
      const before = memory().numTensors;
      run();
      return memory().numTensors - before;
    };
    for (const weights of ['statsq', 'lsq'] as const) {
      const spec: QLinearSpec = { prefix, bits, signed: true, weights };
      const parameters = new Map([...float, ...initQLinear(x, float, spec)]);
      expect(made(() => initQLinear(x, float, spec))).toBe(weights === 'lsq' ? 4 : 3);
      expect(made(() => qLinear(x, parameters, spec))).toBe(1);
      const step = tensor1d(new Float32Array(28).fill(0.1));
      expect(made(() => dampening(lsqRows(2), float.get(`${prefix}.weight`)!, step))).toBe(1);
    }
    const [mlp] = casesOf(/^qmlp_w2a2$/) as [OfqCase];
    const [tokens, both2] = [
      parametersOf(mlp, prefix),
      { prefix, fc1: bits, fc2: bits, weights: 'statsq' } as const,
    ];
    expect(made(() => initQMlp(x, tokens, both2))).toBe(6);
    expect(made(() => qMlp(x, tokens, both2))).toBe(1);
    const embed = { prefix, bits: both(8) };
    expect(made(() => initQPatchEmbed(pixels, kernel, embed))).toBe(5);
    const { buffers } = initQPatchEmbed(pixels, kernel, embed);
    expect(made(() => qPatchEmbed(pixels, kernel, buffers, embed))).toBe(1);
    const tracker = new OscillationTracker({ momentum: 0.1, oscillatingAbove: 0.1, boundaryRange: 0.1 });
    const weight = float.get(`${prefix}.weight`)!;
    expect(made(() => tracker.observe('fc1', { quantizer: statsq2d(2), weight, gradient: weight }))).toBe(0);
  });

  it('find a missing parameter by its name', () => {
    const [entry] = entries();
    const parameters = parametersOf(entry, prefix);
    parameters.delete(`${prefix}.move_aft.bias`);
    const spec: QLinearSpec = { prefix, bits, signed: true, weights: 'statsq' };
    expect(() => qLinear(live(entry, 'x'), parameters, spec)).toThrow(
      expect.objectContaining({
        code: 'QS_PARAMETER_MISSING',
        message: expect.stringContaining('blocks.3.layer.move_aft.bias'),
      }),
    );
  });

  it('give images signed codes from the first negative pixel on, and for good', () => {
    const spec = { prefix, bits: both(8) };
    const weights = new Map([
      [`${prefix}.weight`, tensor4d([1, 2, 3, 4], [1, 1, 2, 2])],
      [`${prefix}.bias`, zeros([1])],
    ]);
    const positive = tensor4d([0, 0.5, 1, 2], [1, 1, 2, 2]);
    const negative = tensor4d([0, 0.5, -1, 2], [1, 1, 2, 2]);
    const { parameters: added, buffers } = initQPatchEmbed(positive, weights, spec);
    const parameters = new Map([...weights, ...added]);
    const flag = `${prefix}.input_quant_fn.signed`;
    expect([...buffers.get(flag)!.dataSync()]).toEqual([0]);
    expect(observeSign(positive, parameters, buffers, spec)).toBe(buffers);
    // Unsigned codes reach twice as far: the step is 2 mean|x| / sqrt(255), and 2 lies far within 255 of them.
    const before = qPatchEmbed(negative, parameters, buffers, spec).dataSync()[0]!;
    expect(before).toBeCloseTo(0.5 * 2 - 3 + 2 * 4, 0);
    const after = observeSign(negative, parameters, buffers, spec);
    expect([...after.get(flag)!.dataSync()]).toEqual([1]);
    expect(observeSign(positive, parameters, after, spec)).toBe(after);
    expect(qPatchEmbed(negative, parameters, after, spec).dataSync()[0]).toBe(before);
  });
});
