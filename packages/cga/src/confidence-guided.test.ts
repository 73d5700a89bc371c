import '@proj/wasm-kernels/install';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { ofqCase } from '@proj/fixtures';
import { adamw, clippedByGlobalNorm, sgd } from '@proj/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { optimizers } from '../test/optimizers.ts';
import { live } from '../test/reference.ts';
import { frozenWeights } from './confidence.ts';
import { confidenceGuided, type NamedTensors, type Stepping } from './confidence-guided.ts';
import type { FreezeReport } from './report.ts';
import { targetRules } from './targets.ts';

const options = { bits: 2, boundaryRange: 0.05, targets: targetRules.deitQkr } as const;
const normal = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 0.2, 'float32', seed);
const fresh = (): NamedTensors =>
  new Map([
    ['blocks.0.mlp.fc1.weight', normal([12, 8], 1)],
    ['blocks.0.mlp.fc1.bias', normal([12], 2)],
    ['blocks.0.attn.q.weight', normal([8, 8], 3)],
    ['blocks.0.attn.v.weight', normal([8, 8], 4)],
  ]);
const gradientsOf = (parameters: NamedTensors, step: number): NamedTensors =>
  new Map([...parameters].map(([name, { shape }], i) => [name, normal(shape, 100 * step + i)]));
/** Copies, so that nothing that is done to the tensors can reach them. */
const bits = (tensors: NamedTensors): Map<string, Int32Array> =>
  new Map([...tensors].map(([name, tensor]) => [name, new Int32Array(tensor.dataSync().slice().buffer)]));

describe.each(['wasm', 'cpu'])('confidenceGuided on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  describe.each(optimizers)('around %s', (_, optimizer) => {
    // The kinds differ in their state, which CGA does not look into.
    const any = optimizer as Stepping<unknown> & { init(parameters: NamedTensors): unknown };

    it('keeps every bit of frozen weights, moves all the others, and leaves no tensor behind', () => {
      const guided = confidenceGuided(any, options);
      let parameters = fresh();
      let state = guided.init(parameters);
      for (let step = 1; step <= 4; step++) {
        const frozen = new Map(
          [...parameters].map(([name, weight]) => [
            name,
            options.targets(name)
              ? tf.tidy(() => frozenWeights(weight, options).dataSync())
              : new Uint8Array(weight.size),
          ]),
        );
        const before = bits(parameters);
        const tensors = tf.memory().numTensors;
        const gradients = gradientsOf(parameters, step);
        ({ parameters, state } = guided.step(parameters, gradients, state));
        expect(tf.memory().numTensors).toBe(tensors);
        expect([...gradients.values()].every(({ isDisposed }) => isDisposed)).toBe(true);
        for (const [name, after] of bits(parameters)) {
          const stayed = Array.from(after, (value, i) => (value === before.get(name)![i] ? 1 : 0));
          expect(stayed, `${name} at step ${step}`).toEqual(Array.from(frozen.get(name)!));
        }
      }
      tf.dispose([...parameters.values()]);
    });

    it('does to what is no target what the optimizer alone does', () => {
      const [guided, alone] = [confidenceGuided(any, options), any].map((optimizer) => {
        let parameters = fresh();
        let state = optimizer.init(parameters);
        for (let step = 1; step <= 3; step++)
          ({ parameters, state } = optimizer.step(parameters, gradientsOf(parameters, step), state));
        return bits(parameters);
      });
      for (const name of ['blocks.0.mlp.fc1.bias', 'blocks.0.attn.q.weight']) {
        expect(guided!.get(name)).toEqual(alone!.get(name));
      }
      expect(guided!.get('blocks.0.attn.v.weight')).not.toEqual(alone!.get('blocks.0.attn.v.weight'));
    });
  });

  it('ends in the reference’s weights after every step, whatever gradients arrive at frozen weights', () => {
    const entry = ofqCase('cga_steps_qkr_w2a2');
    const config = entry.config as Record<string, number>;
    const reports: FreezeReport[] = [];
    const guided = confidenceGuided(
      adamw({ learningRate: config['lr']!, eps: config['eps']!, weightDecay: config['weight_decay']! }),
      {
        bits: config['bits']!,
        boundaryRange: config['boundaryRange']!,
        targets: targetRules.deitQkr,
        onStep: (report) => reports.push(report),
      },
    );
    const masks = (step: number, name: string) =>
      entry.tensors.get(`step${step}.freeze.${name.replace(/\.weight$/, '')}`);
    const names = [...entry.tensors.keys()].flatMap((key) => /^step0\.grad\.(.*)$/.exec(key)?.[1] ?? []);
    expect(names.filter(targetRules.deitQkr)).toEqual(names.filter((name) => masks(0, name) !== undefined));
    let parameters: NamedTensors = new Map(names.map((name) => [name, live(entry, `param0.${name}`)]));
    let state = guided.init(parameters);
    for (let step = 0; step < config['steps']!; step++) {
      const gradients = new Map(
        names.map((name) => {
          const masked = live(entry, `step${step}.grad.${name}`);
          const mask = masks(step, name);
          // What the mask is to take away.
          const stray = mask ? tf.mul(tf.tensor(Float32Array.from(mask.data), [...mask.shape]), -1e3) : 0;
          return [name, tf.add(masked, stray)] as const;
        }),
      );
      const targets = names.filter(targetRules.deitQkr);
      const frozen = targets.map((name) => masks(step, name)!.data);
      const spec = { bits: config['bits']!, boundaryRange: config['boundaryRange']! };
      for (const [i, name] of targets.entries()) {
        const mask = tf.tidy(() => frozenWeights(parameters.get(name)!, spec).dataSync());
        expect(Array.from(mask), `${name} at step ${step}`).toEqual(Array.from(frozen[i]!));
      }
      ({ parameters, state } = guided.step(parameters, gradients, state));
      const total = frozen.reduce((sum, mask) => sum + Array.from(mask).reduce((a, b) => a + b, 0), 0);
      expect(reports[step]).toMatchObject({ frozen: total, share: total / reports[step]!.size });
      for (const name of names) {
        const key =
          masks(step, name) === undefined
            ? undefined
            : `step${step}.weight_after.${name.replace(/\.weight$/, '')}`;
        if (key !== undefined) expectWithin(entry.tensors.get(key)!.data, parameters.get(name)!, DRIFT, key);
      }
    }
    for (const name of names)
      expectWithin(entry.tensors.get(`paramN.${name}`)!.data, parameters.get(name)!, DRIFT, name);
    // Some are brought back by the scale of their row.
    expect(reports.slice(1).map(({ thawed }) => thawed)).toEqual(thawedIn(entry, config['steps']!));
    expect(reports.map(({ thawed }) => thawed)).toEqual([0, 2, 1, 1, 3]);
  });

  it('goes on with the moments of the training before it', () => {
    const optimizer = adamw({ learningRate: 0.01 });
    const gradients = gradientsOf(fresh(), 1);
    const before = optimizer.step(fresh(), gradientsOf(fresh(), 1), optimizer.init(fresh()));
    const moment = before.state.moments.get('exp_avg')!.get('blocks.0.attn.v.weight')!.dataSync().slice();
    const frozen = frozenWeights(before.parameters.get('blocks.0.attn.v.weight')!, options).dataSync();
    const after = confidenceGuided(optimizer, options).step(before.parameters, gradients, before.state);
    expect(after.state.step).toBe(2);
    const moments = after.state.moments.get('exp_avg')!.get('blocks.0.attn.v.weight')!.dataSync();
    // Frozen entries have a gradient of 0: their moments only decay.
    for (const [i, value] of moments.entries())
      if (frozen[i] === 1) expect(value).toBeCloseTo(0.9 * moment[i]!, 7);
  });

  it('takes bits by name, and is the optimizer otherwise', () => {
    const guided = confidenceGuided(sgd({ learningRate: 0.25 }), {
      ...options,
      bits: (name) => (name.includes('fc1') ? 4 : 2),
    });
    expect(guided.learningRate(3)).toBe(0.25);
    const parameters = fresh();
    const expected = ['blocks.0.mlp.fc1.weight', 'blocks.0.attn.v.weight'].map((name, i) =>
      frozenWeights(parameters.get(name)!, { bits: [4, 2][i]!, boundaryRange: 0.05 }).dataSync(),
    );
    const before = bits(parameters);
    const after = bits(
      guided.step(parameters, gradientsOf(parameters, 1), guided.init(parameters)).parameters,
    );
    for (const [i, name] of ['blocks.0.mlp.fc1.weight', 'blocks.0.attn.v.weight'].entries()) {
      const stayed = Array.from(after.get(name)!, (value, j) => (value === before.get(name)![j] ? 1 : 0));
      expect(stayed).toEqual(Array.from(expected[i]!));
    }
  });

  it('lets a limit of the norm inside it see only the gradients that are left', () => {
    const parameters = new Map([
      ['blocks.0.fc1.weight', tf.tensor2d([[-2.5, -2, -1, 0, 0.25, -0.4, -0.4, 1.45]]) as tf.Tensor],
    ]);
    const ones = () => new Map([['blocks.0.fc1.weight', tf.ones([1, 8])]]);
    const guided = confidenceGuided(clippedByGlobalNorm(sgd({ learningRate: 1 }), 1), options);
    const after = guided.step(parameters, ones(), guided.init(parameters)).parameters;
    const moved = after.get('blocks.0.fc1.weight')!.dataSync();
    // Two weights are on thresholds and share a norm of 1.
    expect(moved[2]).toBeCloseTo(-1 - Math.SQRT1_2, 5);
    expect(moved[3]).toBeCloseTo(-Math.SQRT1_2, 5);
  });

  it.each<[string, string, (parameters: Map<string, tf.Tensor>, gradients: Map<string, tf.Tensor>) => void]>([
    ['weights', 'the weights of "blocks.0.attn.v.weight"', (parameters) => spoil(parameters, Number.NaN)],
    ['gradients', 'the gradient of "blocks.0.attn.v.weight"', (_, gradients) => spoil(gradients, Number.NaN)],
    [
      'gradients',
      'the gradient of "blocks.0.attn.v.weight"',
      (_, gradients) => spoil(gradients, Number.NEGATIVE_INFINITY),
    ],
  ])('refuses %s that are not finite, by name, and consumes nothing', (_, message, damage) => {
    const [parameters, gradients] = [new Map(fresh()), new Map(gradientsOf(fresh(), 1))];
    const guided = confidenceGuided(sgd({ learningRate: 1 }), options);
    damage(parameters, gradients);
    expectRefused(
      () => guided.step(parameters, gradients, guided.init(parameters)),
      `not finite: ${message}.`,
      [parameters, gradients],
    );
  });

  it('refuses names, shapes and settings that cannot be meant, and consumes nothing', () => {
    const optimizer = sgd({ learningRate: 1 });
    const guided = confidenceGuided(optimizer, options);
    const [parameters, gradients] = [new Map(fresh()), new Map(gradientsOf(fresh(), 1))];
    const state = guided.init(parameters);
    const refused = (message: string, some = parameters, others = gradients, by = guided) =>
      expectRefused(() => by.step(some, others, state), message, [parameters, gradients]);
    refused(
      'none of the 1 parameters (blocks.0.attn.q.weight) is a target',
      new Map([['blocks.0.attn.q.weight', parameters.get('blocks.0.attn.q.weight')!]]),
    );
    const fewer = new Map(gradients);
    fewer.delete('blocks.0.attn.v.weight');
    refused('"blocks.0.attn.v.weight" needs a gradient [8, 8], there is none', parameters, fewer);
    const other = new Map([
      ...gradients,
      ['blocks.0.attn.v.weight', gradients.get('blocks.0.mlp.fc1.weight')!],
    ]);
    refused('"blocks.0.attn.v.weight" needs a gradient [8, 8], it has [12, 8]', parameters, other);
    refused(
      '"blocks.0.mlp.fc1.bias" must be float32 [out, in], got float32 [12]',
      parameters,
      gradients,
      confidenceGuided(optimizer, { ...options, targets: (name) => name.endsWith('fc1.bias') }),
    );
    refused(
      'bits must be an integer from 2 to 16, got 0.',
      parameters,
      gradients,
      confidenceGuided(optimizer, { ...options, bits: () => 0 }),
    );
    expect(() => confidenceGuided(optimizer, { ...options, boundaryRange: 1 })).toThrow(
      expect.objectContaining({ name: 'CgaError', code: 'CGA_OPTION_INVALID' }),
    );
    // What the optimizer itself refuses.
    const strange = new Map([...gradients, ['stranger', tf.ones([1])]]);
    refused('there is a gradient for "stranger" but no parameter of that name', parameters, strange);
    tf.dispose(strange.get('stranger')!);
  });
});

function spoil(tensors: Map<string, tf.Tensor>, value: number): void {
  const tensor = tensors.get('blocks.0.attn.v.weight')!;
  tensors.set(
    'blocks.0.attn.v.weight',
    tf.tensor(
      tensor.dataSync().map((old, i) => (i === 3 ? value : old)),
      tensor.shape,
    ),
  );
}

function expectRefused(step: () => unknown, message: string, given: readonly NamedTensors[]): void {
  const before = tf.memory().numTensors;
  expect(step).toThrow(message);
  expect(tf.memory().numTensors).toBe(before);
  for (const tensors of given) expect([...tensors.values()].some(({ isDisposed }) => isDisposed)).toBe(false);
}

function expectWithin(expected: ArrayLike<number>, tensor: tf.Tensor, allowed: number, name: string): void {
  const values = tensor.dataSync();
  const difference = Math.max(...Array.from(expected, (value, i) => Math.abs(value - values[i]!)));
  expect({ name, within: difference <= allowed, difference }).toEqual({ name, within: true, difference });
}

/** What the reference's own float32 drifts by in these steps. */
const DRIFT = 2.4e-7;

/** How many weights the reference froze at one step and no more at the next. */
function thawedIn({ tensors }: ReturnType<typeof ofqCase>, steps: number): number[] {
  return Array.from({ length: steps - 1 }, (_, step) => {
    const names = [...tensors.keys()].filter((key) => key.startsWith(`step${step}.freeze.`));
    return names.reduce((sum, key) => {
      const next = tensors.get(key.replace(`step${step}`, `step${step + 1}`))!.data;
      return sum + Array.from(tensors.get(key)!.data).filter((mask, i) => mask > next[i]!).length;
    }, 0);
  });
}
