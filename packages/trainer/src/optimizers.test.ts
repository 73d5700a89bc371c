import '@tensorflow/tfjs-backend-cpu';
import { ofqCase } from '@proj/fixtures';
import type { NamedTensors } from '@proj/ops';
import { random } from '@proj/random';
import { clone, dispose, memory, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, fixtureTensor, maxAbs } from '../test/fixture-tensors.ts';
import { adamw, timmNoDecay } from './adamw.ts';
import type { TrainerError } from './error.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './sgd.ts';

beforeAll(() => setBackend('cpu'));

/** float64 vectors, one for each step: what the optimizer should have done. */
type Reference = (parameter: number, gradients: readonly number[]) => number;

const SHAPES = new Map([
  ['blocks.0.fc1.weight', [3, 4]],
  ['blocks.0.fc1.bias', [3]],
]);

/** Takes the same random gradients through the optimizer and, number by number, through the reference. */
function expectToFollow(optimizer: Optimizer, reference: (name: string) => Reference, steps: number): void {
  const draw = (name: string, shape: readonly number[], what: string | number) => {
    const { normal } = random(5, name, what);
    return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, normal);
  };
  const live = (what: string | number) =>
    new Map(
      [...SHAPES].map(([name, shape]) => [name, tensor(draw(name, shape, what), [...shape]) as Tensor]),
    );
  let parameters: NamedTensors = live('start');
  let state = optimizer.init(parameters);
  for (let step = 0; step < steps; step++) {
    ({ parameters, state } = optimizer.step(parameters, live(step), state));
  }
  expect(state.step).toBe(steps);
  for (const [name, shape] of SHAPES) {
    const gradients = Array.from({ length: steps }, (_, step) => draw(name, shape, step));
    const expected = Array.from(draw(name, shape, 'start'), (start, i) =>
      reference(name)(
        start,
        gradients.map((values) => values[i]!),
      ),
    );
    expectClose(parameters.get(name)!, expected, 2e-6, name);
  }
}

describe('adamw', () => {
  it('takes the step that torch takes in the OFQ training loop', () => {
    const entry = ofqCase('train_step1_qkr_w2a2');
    const { lr, weight_decay, betas, eps } = entry.config as {
      lr: number;
      weight_decay: number;
      betas: [number, number];
      eps: number;
    };
    const named = (prefix: string) =>
      new Map(
        [...entry.tensors.keys()]
          .filter((key) => key.startsWith(prefix))
          .map((key) => [key.slice(prefix.length), fixtureTensor(entry, key)] as const),
      );
    const optimizer = adamw({ learningRate: lr, weightDecay: weight_decay, betas, eps });
    const before = named('param0.');
    const start = new Map([...before].map(([name, value]) => [name, value.dataSync().slice()]));
    const { parameters } = optimizer.step(before, named('step0.grad.'), optimizer.init(before));
    for (const [name, parameter] of parameters) {
      const { data } = entry.tensors.get(`paramN.${name}`)!;
      // With the recorded gradients nothing is left of their noise: only the rounding of one update.
      expectClose(parameter, data, 1e-6 * maxAbs(data) + 1e-8, name);
      const moved = parameter.dataSync().some((value, i) => value !== start.get(name)![i]);
      expect(moved, name).toBe(true);
    }
    expect(parameters.size).toBeGreaterThan(80);
  });

  it('follows a float64 reference over 25 steps of a schedule, with decay for weights and without for biases', () => {
    const rate = (step: number) => 0.01 / (1 + step);
    const [beta1, beta2, eps, decay] = [0.8, 0.95, 1e-3, 0.3];
    const reference =
      (name: string): Reference =>
      (parameter, gradients) => {
        let [mean, variance] = [0, 0];
        for (const [step, gradient] of gradients.entries()) {
          if (name.endsWith('weight')) parameter *= 1 - rate(step) * decay;
          mean = beta1 * mean + (1 - beta1) * gradient;
          variance = beta2 * variance + (1 - beta2) * gradient ** 2;
          const meanHat = mean / (1 - beta1 ** (step + 1));
          const varianceHat = variance / (1 - beta2 ** (step + 1));
          parameter -= (rate(step) * meanHat) / (Math.sqrt(varianceHat) + eps);
        }
        return parameter;
      };
    const optimizer = adamw({ learningRate: rate, betas: [beta1, beta2], eps, weightDecay: decay });
    expectToFollow(optimizer, reference, 25);
  });

  it('leaves alone what timm leaves alone when it decays', () => {
    const noDecay = [
      timmNoDecay('blocks.0.norm1.weight', [192]),
      timmNoDecay('head.bias', [10]),
      timmNoDecay('patch_embed.proj.move_b4.bias', [224, 224]),
      timmNoDecay('pos_embed', [1, 198, 192]),
      timmNoDecay('cls_token', [1, 1, 192]),
      timmNoDecay('dist_token', [1, 1, 192]),
      timmNoDecay('quan_a_v_fn.s', []),
    ];
    expect(noDecay).toEqual(noDecay.map(() => true));
    expect(timmNoDecay('blocks.0.attn.qkv.weight', [576, 192])).toBe(false);
    expect(timmNoDecay('decoder.pos_embed', [1, 198, 192])).toBe(false);
  });
});

describe('sgd', () => {
  it('follows a float64 reference with momentum and an L2 penalty on every parameter', () => {
    const [lr, momentum, decay] = [0.05, 0.9, 0.1];
    const reference: Reference = (parameter, gradients) => {
      let buffer = 0;
      for (const gradient of gradients) {
        buffer = momentum * buffer + gradient + decay * parameter;
        parameter -= lr * buffer;
      }
      return parameter;
    };
    expectToFollow(sgd({ learningRate: lr, momentum, weightDecay: decay }), () => reference, 15);
  });

  it('is plain descent without momentum, and keeps no moments then', () => {
    const optimizer = sgd({ learningRate: 0.25 });
    expectToFollow(
      optimizer,
      () => (parameter, gradients) => gradients.reduce((p, g) => p - 0.25 * g, parameter),
      5,
    );
    expect(optimizer.init(new Map([['w', tensor([1])]])).moments.size).toBe(0);
  });
});

describe('every optimizer', () => {
  const optimizers = [adamw({ learningRate: 0.1 }), sgd({ learningRate: 0.1, momentum: 0.9 })];

  it.each(optimizers)('disposes what it consumes, and nothing twice', (optimizer) => {
    const parameters = new Map([
      ['a', tensor([1, 2]) as Tensor],
      ['b', tensor([3, 4]) as Tensor],
    ]);
    const before = memory().numTensors;
    const state = optimizer.init(parameters);
    const shared = tensor([1, 1]);
    const after = optimizer.step(
      parameters,
      new Map([...parameters.keys()].map((name) => [name, shared])),
      state,
    );
    expect([...parameters.values(), shared].every((value) => value.isDisposed)).toBe(true);
    for (const tensors of after.state.moments.values()) dispose([...tensors.values()]);
    expect(memory().numTensors).toBe(before);
    dispose([...after.parameters.values()]);
  });

  it.each([
    ['missing', new Map(), 'parameter "w" has shape [2], there is none'],
    ['of another shape', new Map([['w', [1, 2, 3]]]), 'its gradient has [3]'],
    [
      'of an unknown parameter',
      new Map([
        ['w', [1, 2]],
        ['v', [1]],
      ]),
      'gradient for "v"',
    ],
  ])('refuses a gradient that is %s', (_, values, message) => {
    const parameters = new Map([['w', tensor([1, 2]) as Tensor]]);
    const gradients = new Map(
      [...values].map(([name, value]) => [name as string, tensor(value as number[])]),
    );
    const optimizer = sgd({ learningRate: 0.1 });
    const step = () => optimizer.step(parameters, gradients, optimizer.init(parameters));
    expect(step).toThrow(expect.objectContaining({ code: 'TRAINER_GRADIENTS_MISMATCH' }) as TrainerError);
    expect(step).toThrow(message);
    expect(clone(parameters.get('w')!).dataSync()).toEqual(Float32Array.of(1, 2));
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('refuses the learning rate %d', (rate) => {
    const optimizer = adamw({ learningRate: () => rate });
    expect(() => optimizer.learningRate(7)).toThrow(`the learning rate of step 7 is ${rate}`);
  });
});
