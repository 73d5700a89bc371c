import '@proj/ops/gradients';
import '@tensorflow/tfjs-backend-cpu';
import {
  add,
  clone,
  customGrad,
  memory,
  mul,
  setBackend,
  square,
  sum,
  type Tensor,
  tensor,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Batch, tapeGradients } from './gradients.ts';

beforeAll(() => setBackend('cpu'));

const batch = (): Batch => ({ images: tensor([[1, 2]]), targets: tensor([0], [1], 'int32') });

describe('tapeGradients', () => {
  it('returns the gradient of every named parameter in their order, and leaves no other tensor behind', () => {
    const parameters = new Map([
      ['__proto__', tensor([3, 5]) as Tensor],
      ['w', tensor([7, 11]) as Tensor],
    ]);
    const gradients = tapeGradients((named, _buffers, { images }) =>
      sum(mul(square(named.get('w')!), mul(named.get('__proto__')!, images))),
    );
    const [buffers, data] = [new Map(), batch()];
    const before = memory().numTensors;
    const result = gradients(parameters, buffers, data);
    expect(memory().numTensors).toBe(before + 3);
    expect(result.loss.dataSync()[0]).toBe(49 * 3 + 121 * 5 * 2);
    expect([...result.gradients.keys()]).toEqual(['__proto__', 'w']);
    expect([...result.gradients.get('__proto__')!.dataSync()]).toEqual([49, 242]);
    expect([...result.gradients.get('w')!.dataSync()]).toEqual([42, 220]);
    expect(result.buffers).toBe(buffers);
  });

  it('hands on the buffers that the forward pass updates', () => {
    const gradients = tapeGradients((named, buffers, { images }) => ({
      loss: sum(mul(images, named.get('w')!)),
      buffers: new Map([['sum', add(buffers.get('sum')!, sum(images))]]),
    }));
    const result = gradients(
      new Map([['w', tensor([1, 1]) as Tensor]]),
      new Map([['sum', tensor([10]) as Tensor]]),
      batch(),
    );
    expect([...result.buffers.get('sum')!.dataSync()]).toEqual([13]);
    expect([...result.gradients.get('w')!.dataSync()]).toEqual([1, 2]);
  });

  it('refuses a loss that does not depend on a parameter, naming it', () => {
    const w = tensor([1, 2]) as Tensor;
    const unused = tensor([1]) as Tensor;
    const gradients = tapeGradients((named, buffers) => ({
      loss: sum(named.get('w')!),
      buffers: new Map([['mean', add(buffers.get('mean')!, 1)]]),
    }));
    const parameters = new Map([
      ['w', w],
      ['head_dist.bias', unused],
    ]);
    const [buffers, data] = [new Map([['mean', tensor([0]) as Tensor]]), batch()];
    const before = memory().numTensors;
    expect(() => gradients(parameters, buffers, data)).toThrow(
      expect.objectContaining({
        code: 'TRAINER_PARAMETER_UNUSED',
        message: expect.stringContaining('"head_dist.bias"'),
      }),
    );
    expect(memory().numTensors).toBe(before);
  });

  it.each(['forward', 'backward'])(
    'leaves no tensor behind where an operation throws in the %s pass',
    (pass) => {
      const failing = customGrad((x) => {
        if (pass === 'forward') throw new RangeError('no room');
        return {
          value: clone(x as Tensor),
          gradFunc: () => {
            throw new RangeError('no room');
          },
        };
      });
      const gradients = tapeGradients((named, buffers) => ({
        loss: sum(failing(square(square(named.get('w')!)))),
        buffers: new Map([['mean', add(buffers.get('mean')!, 1)]]),
      }));
      const parameters = new Map([['w', tensor([1, 2]) as Tensor]]);
      const [buffers, data] = [new Map([['mean', tensor([0]) as Tensor]]), batch()];
      const before = memory().numTensors;
      for (let i = 0; i < 3; i++) expect(() => gradients(parameters, buffers, data)).toThrow('no room');
      expect(memory().numTensors).toBe(before);
      expect(parameters.get('w')!.isDisposed).toBe(false);
    },
  );

  it('says what tfjs says of no parameters at all', () => {
    const gradients = tapeGradients((_named, _buffers, { images }) => sum(images));
    expect(() => gradients(new Map(), new Map(), batch())).toThrow('empty list of xs');
  });
});
