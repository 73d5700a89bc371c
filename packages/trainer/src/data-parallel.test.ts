import '@tensorflow/tfjs-backend-cpu';
import { ones, scalar, setBackend, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataParallel } from './data-parallel.ts';
import { serveGradients } from './gradient-worker.ts';
import type { Batch, GradientFunction } from './gradients.ts';

beforeAll(() => setBackend('cpu'));

// It never answers.
const module = new URL('data:text/javascript,setInterval(() => {}, 1000)');
const parameters = new Map([['w', ones([1]) as Tensor]]);
const batch = (): Batch => ({ images: zeros([4, 1]), targets: zeros([4], 'int32') });
const constant: GradientFunction<Batch> = (_, buffers) => ({
  loss: scalar(1),
  gradients: new Map([['w', ones([1])]]),
  buffers,
});

describe('dataParallel', () => {
  it.each([0, 1.5, -1, Number.NaN])('refuses %d workers', (workers) => {
    expect(() => dataParallel({ workers, valueAndGradients: constant, module })).toThrow(
      expect.objectContaining({
        code: 'TRAINER_OPTION_INVALID',
        message: expect.stringContaining('workers'),
      }),
    );
  });

  it('with one worker is the very function, and starts nothing', async () => {
    const nowhere = new URL('file:///nowhere.mjs');
    const parallel = dataParallel({ workers: 1, valueAndGradients: constant, module: nowhere });
    expect(parallel.valueAndGradients).toBe(constant);
    await parallel.close();
  });

  it('refuses a second step before the first has ended, which is ended by closing', async () => {
    const { valueAndGradients, close } = dataParallel({ workers: 2, valueAndGradients: constant, module });
    const first = valueAndGradients(parameters, new Map(), batch());
    await expect(valueAndGradients(parameters, new Map(), batch())).rejects.toThrow(
      expect.objectContaining({ code: 'TRAINER_OPTION_INVALID' }),
    );
    const ended = expect(first).rejects.toThrow(expect.objectContaining({ code: 'TRAINER_WORKER_FAILED' }));
    await close();
    await ended;
  });

  it('ends the workers when shard 0 fails, and says why', async () => {
    let steps = 0;
    const failing: typeof constant = (...step) => {
      if (steps++ === 0) throw new RangeError('no gradient today');
      return constant(...step);
    };
    const { valueAndGradients } = dataParallel({ workers: 2, valueAndGradients: failing, module });
    await expect(valueAndGradients(parameters, new Map(), batch())).rejects.toThrow('no gradient today');
    await expect(valueAndGradients(parameters, new Map(), batch())).rejects.toThrow(
      expect.objectContaining({
        code: 'TRAINER_WORKER_FAILED',
        message: expect.stringContaining('has ended'),
      }),
    );
  });
});

describe('serveGradients', () => {
  it('is refused in the main thread', () => {
    expect(() => serveGradients(() => constant)).toThrow(
      expect.objectContaining({ code: 'TRAINER_OPTION_INVALID' }),
    );
  });
});
