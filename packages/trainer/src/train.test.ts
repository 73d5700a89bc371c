import '@proj/ops/gradients';
import '@tensorflow/tfjs-backend-cpu';
import { type StateDict, stateSha256 } from '@proj/tensor-io';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { add, dispose, memory, mul, scalar, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { mlpBuffers, mlpLoss, mlpParameters, noisyPatterns } from '../test/mlp.mjs';
import { adamw } from './adamw.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { TrainEvent } from './events.ts';
import { type Batch, tapeGradients } from './gradients.ts';
import { sgd } from './sgd.ts';
import { type CheckpointStore, type TrainOptions, train } from './train.ts';

beforeAll(() => setBackend('cpu'));

/** 2 epochs of 4 steps. */
const run = <E = never>(change: Partial<TrainOptions<Batch, E>> = {}): TrainOptions<Batch, E> => ({
  parameters: mlpParameters(1, 16),
  buffers: mlpBuffers(),
  valueAndGradients: tapeGradients(mlpLoss),
  optimizer: adamw({ learningRate: (step) => 0.01 / (1 + step) }),
  epochs: 2,
  stepsPerEpoch: 4,
  batch: (epoch, step) => noisyPatterns(1, 24, epoch, step),
  ...change,
});

async function collect<E>(events: AsyncIterable<TrainEvent<E>>): Promise<TrainEvent<E>[]> {
  const all: TrainEvent<E>[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** Keeps checkpoints in memory. */
function memoryStore(): CheckpointStore & { readonly saved: Checkpoint[] } {
  const saved: Checkpoint[] = [];
  return {
    saved,
    async save(checkpoint) {
      saved.push(checkpoint);
      return `memory:${saved.length}`;
    },
  };
}

function last<E>(
  events: readonly TrainEvent<E>[],
  kind: 'done' | 'stopped',
): Extract<TrainEvent<E>, { kind: typeof kind }> {
  const event = events.at(-1)!;
  if (event.kind !== kind) throw new Error(`ended with ${event.kind}`);
  return event;
}

const sha256Of = async (events: readonly TrainEvent<unknown>[]): Promise<string> => {
  const { parameters } = last(events, 'done');
  return stateSha256(await fromTensors(parameters));
};

describe('train', () => {
  it('tells what happens in order, with evaluations before the checkpoint of their epoch', async () => {
    const store = memoryStore();
    const events = await collect(
      train(run({ evaluate: ({ step }) => `after ${step}`, checkpoints: { store, everySteps: 3 } })),
    );
    expect(events.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      'start 0',
      ...['step 1', 'step 2', 'step 3', 'checkpoint 3', 'step 4', 'evaluation 4', 'epoch 4'],
      ...['step 5', 'step 6', 'checkpoint 6', 'step 7', 'step 8', 'evaluation 8', 'epoch 8', 'checkpoint 8'],
      'done 8',
    ]);
    expect(events[0]).toEqual({ kind: 'start', step: 0, totalSteps: 8, resumed: false });
    expect(events[3]).toMatchObject({ kind: 'step', step: 3, epoch: 0, learningRate: 0.01 / 3 });
    expect(events[6]).toEqual({ kind: 'evaluation', step: 4, epoch: 0, result: 'after 4' });
    expect(events[4]).toEqual({ kind: 'checkpoint', step: 3, path: 'memory:1' });
    expect(store.saved.map(({ position }) => position)).toEqual([
      { epoch: 0, step: 3, globalStep: 3 },
      { epoch: 1, step: 2, globalStep: 6 },
      { epoch: 2, step: 0, globalStep: 8 },
    ]);
  });

  it('leaves nothing but what it hands over, which has the stated hash', async () => {
    const before = memory().numTensors;
    const events = await collect(train(run()));
    const { parameters, buffers, sha256 } = last(events, 'done') as Extract<
      TrainEvent<never>,
      { kind: 'done' }
    >;
    expect(sha256).toBe(await sha256Of(events));
    dispose([...parameters.values(), ...buffers.values()]);
    expect(memory().numTensors).toBe(before);
  });

  it.each([1, 3, 4, 7, 8])(
    'resumed after step %i ends in the same bits as if it had never stopped',
    async (stop) => {
      const whole = memoryStore();
      const expected = await sha256Of(
        await collect(train(run({ checkpoints: { store: whole, everySteps: 1 } }))),
      );
      const before = memory().numTensors;
      const again = memoryStore();
      const resume = whole.saved[stop - 1]!;
      const events = await collect(train(run({ resume, checkpoints: { store: again, everySteps: 99 } })));
      expect(events[0]).toMatchObject({ kind: 'start', step: stop, resumed: true });
      expect(await sha256Of(events)).toBe(expected);
      expect(again.saved).toEqual(stop < 8 ? [whole.saved[7]] : []);
      const { parameters, buffers } = last(events, 'done');
      expect([...parameters.keys()]).toEqual([...mlpParameters(1, 1).keys()]);
      dispose([...parameters.values(), ...buffers.values()]);
      expect(memory().numTensors - before).toBe(mlpParameters(1, 1).size);
    },
  );

  it('saves what a companion remembers, and hands it back on resume', async () => {
    const counter = () => {
      let steps = 0;
      return {
        optimizer: { ...adamw({ learningRate: 0.01 }), learningRate: () => ++steps / 1e3 },
        companion: {
          save: (): StateDict =>
            new Map([['steps', { dtype: 'U8', shape: [], bytes: Uint8Array.of(steps) }]]),
          restore: (state: StateDict) => {
            steps = state.get('steps')?.bytes[0] ?? 100;
          },
        },
      };
    };
    const whole = memoryStore();
    const rates = async (change: Partial<TrainOptions<Batch, never>>) =>
      (await collect(train(run({ ...counter(), ...change })))).flatMap((event) =>
        event.kind === 'step' ? [event.learningRate] : [],
      );
    const expected = await rates({ checkpoints: { store: whole, everySteps: 3 } });
    expect(expected.at(-1)).toBe(0.008);
    expect(await rates({ resume: whole.saved[0] })).toEqual(expected.slice(3));
    const { companion: _, ...without } = whole.saved[0]!;
    expect((await rates({ resume: without }))[0]).toBe(0.101);
  });

  it('resumes integer buffers as integers', async () => {
    const counting = tapeGradients<Batch>((parameters, buffers, batch) => ({
      loss: mlpLoss(parameters, buffers, batch).loss,
      buffers: new Map([
        ...buffers,
        ['num_batches_tracked', add(buffers.get('num_batches_tracked')!, scalar(1, 'int32'))],
      ]),
    }));
    const options = (change: Partial<TrainOptions<Batch, never>>) => {
      const buffers = new Map([
        ...mlpBuffers(),
        ['num_batches_tracked', scalar(2 ** 30 + 1, 'int32') as Tensor],
      ]);
      return run({ valueAndGradients: counting, buffers, ...change });
    };
    const store = memoryStore();
    await collect(train(options({ checkpoints: { store, everySteps: 5 } })));
    const { buffers } = last(await collect(train(options({ resume: store.saved[0] }))), 'done');
    const tracked = buffers.get('num_batches_tracked')!;
    expect([tracked.dtype, tracked.dataSync()[0]]).toEqual(['int32', 2 ** 30 + 9]);
  });

  it('stops at a signal: the step is finished, saved and can be resumed', async () => {
    const expected = await sha256Of(await collect(train(run())));
    const store = memoryStore();
    const controller = new AbortController();
    // As a signal handler or a button would: not from inside the loop.
    const batch = (epoch: number, step: number) => {
      if (epoch === 0 && step === 2) setImmediate(() => controller.abort());
      return noisyPatterns(1, 24, epoch, step);
    };
    const { signal } = controller;
    const events = await collect(train(run({ batch, signal, checkpoints: { store, everySteps: 99 } })));
    const stopped = last(events, 'stopped');
    expect(stopped.step).toBeGreaterThanOrEqual(3);
    expect(stopped.step).toBeLessThanOrEqual(4);
    expect(store.saved.map(({ position }) => position.globalStep)).toEqual([stopped.step]);
    expect(await sha256Of(await collect(train(run({ resume: store.saved[0] }))))).toBe(expected);
  });

  it('stops before the first step when the signal was given before', async () => {
    const events = await collect(train(run({ signal: AbortSignal.abort() })));
    expect(events.map(({ kind }) => kind)).toEqual(['start', 'stopped']);
    expect(last(events, 'stopped').parameters.size).toBe(6);
  });

  it('saves also when it is stopped before the first step', async () => {
    const expected = await sha256Of(await collect(train(run())));
    const store = memoryStore();
    const checkpoints = { store, everySteps: 99 };
    const events = await collect(train(run({ signal: AbortSignal.abort(), checkpoints })));
    expect(events.map(({ kind }) => kind)).toEqual(['start', 'checkpoint', 'stopped']);
    expect(store.saved[0]!.position).toEqual({ epoch: 0, step: 0, globalStep: 0 });
    expect(await sha256Of(await collect(train(run({ resume: store.saved[0] }))))).toBe(expected);
  });

  it('stops at a loss that is not finite, before the step, naming it, and disposes everything', async () => {
    const before = memory().numTensors;
    const poison = ({ images, targets }: Batch): Batch => {
      const poisoned = mul(images, Number.NaN);
      images.dispose();
      return { images: poisoned, targets };
    };
    const batch = (epoch: number, step: number) => {
      const clean = noisyPatterns(1, 24, epoch, step);
      return epoch === 1 && step === 1 ? poison(clean) : clean;
    };
    const store = memoryStore();
    await expect(collect(train(run({ batch, checkpoints: { store, everySteps: 1 } })))).rejects.toThrow(
      expect.objectContaining({
        code: 'TRAINER_LOSS_NOT_FINITE',
        message: expect.stringContaining(
          'the loss of step 6 (epoch 1, learning rate 0.0016666666666666668) is NaN',
        ),
      }),
    );
    expect(store.saved).toHaveLength(5);
    expect(memory().numTensors).toBe(before);
  });

  it('does not pass off parameters that the last step made infinite as a result', async () => {
    const optimizer = sgd({ learningRate: (step) => (step === 7 ? 3e38 : 1) });
    const scaled = tapeGradients<Batch>((parameters, buffers, batch) => {
      const { loss, buffers: next } = mlpLoss(parameters, buffers, batch);
      return { loss: mul(loss, 100), buffers: next };
    });
    await expect(collect(train(run({ optimizer, valueAndGradients: scaled })))).rejects.toThrow(
      expect.objectContaining({ code: 'TRAINER_NOT_FINITE' }),
    );
  });

  it('may end within an epoch, and evaluates there', async () => {
    const events = await collect(train(run({ epochs: 1.25, evaluate: ({ step }) => step })));
    expect(events.filter(({ kind }) => kind !== 'step').map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      'start 0',
      'evaluation 4',
      'epoch 4',
      'evaluation 5',
      'epoch 5',
      'done 5',
    ]);
  });

  it('disposes everything when the consumer leaves or something throws', async () => {
    const before = memory().numTensors;
    for await (const { kind } of train(run())) if (kind === 'step') break;
    const failing = () => {
      throw new Error('no disk');
    };
    await expect(collect(train(run({ evaluate: failing })))).rejects.toThrow('no disk');
    await expect(collect(train(run({ valueAndGradients: failing })))).rejects.toThrow('no disk');
    const optimizer = { ...adamw({ learningRate: 1 }), step: failing };
    await expect(collect(train(run({ optimizer })))).rejects.toThrow('no disk');
    expect(memory().numTensors).toBe(before);
  });

  it.each([
    ['epochs', 0],
    ['epochs', Number.NaN],
    ['stepsPerEpoch', 1.5],
  ])('refuses %s = %d', async (name, value) => {
    await expect(collect(train(run({ [name]: value })))).rejects.toThrow(
      expect.objectContaining({ code: 'TRAINER_OPTION_INVALID', message: expect.stringContaining(name) }),
    );
  });
});

describe('train refuses to resume', () => {
  const saved = async (): Promise<Checkpoint> => {
    const store = memoryStore();
    await collect(train(run({ config: { seed: 1 }, checkpoints: { store, everySteps: 5 } })));
    return store.saved[0]!;
  };
  const without = <V>(map: ReadonlyMap<string, V>, name: string) =>
    new Map([...map].filter(([key]) => key !== name));

  it.each<[string, string, string, (checkpoint: Checkpoint) => Partial<TrainOptions<Batch, never>>]>([
    ['another configuration', 'TRAINER_CONFIG_MISMATCH', 'seed was 1', () => ({ config: { seed: 2 } })],
    ['shorter epochs', 'TRAINER_CHECKPOINT_MISMATCH', 'stands at step 5', () => ({ stepsPerEpoch: 3 })],
    ['fewer epochs', 'TRAINER_CHECKPOINT_MISMATCH', 'a run of 4 steps', () => ({ epochs: 1 })],
    [
      'another optimizer',
      'TRAINER_CHECKPOINT_MISMATCH',
      'moments [exp_avg, exp_avg_sq], this optimizer keeps [momentum_buffer]',
      () => ({ optimizer: sgd({ learningRate: 1, momentum: 0.9 }) }),
    ],
    [
      'a wider model',
      'TRAINER_CHECKPOINT_MISMATCH',
      'parameter "fc1.weight" is F32 [16,64] there and float32 [32,64] here',
      () => ({ parameters: mlpParameters(1, 32) }),
    ],
    [
      'a model with another parameter',
      'TRAINER_CHECKPOINT_MISMATCH',
      'parameter "extra" is not in it',
      () => ({ parameters: new Map([...mlpParameters(1, 16), ['extra', tensor([1]) as Tensor]]) }),
    ],
    [
      'a model without a buffer',
      'TRAINER_CHECKPOINT_MISMATCH',
      'buffer "input.running_mean" in it is unknown here',
      () => ({ buffers: new Map() }),
    ],
    [
      'a lost moment',
      'TRAINER_CHECKPOINT_MISMATCH',
      'exp_avg_sq "head.bias" is not in it',
      ({ optimizer: { step, moments }, ...rest }) => ({
        resume: {
          ...rest,
          optimizer: {
            step,
            moments: new Map(
              [...moments].map(([moment, state]) => [
                moment,
                moment === 'exp_avg_sq' ? without(state, 'head.bias') : state,
              ]),
            ),
          },
        },
      }),
    ],
  ])('with %s', async (_, code, message, change) => {
    const resume = await saved();
    const options = run({ config: { seed: 1 }, resume, ...change(resume) });
    const before = memory().numTensors;
    await expect(collect(train(options))).rejects.toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
    expect(memory().numTensors).toBe(before - options.parameters.size - options.buffers!.size);
  });
});
