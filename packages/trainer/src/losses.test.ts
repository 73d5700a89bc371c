import '@proj/ops/gradients';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { type OfqCase, ofqCase } from '@proj/fixtures';
import { grads, setBackend, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, fixtureTensor, maxAbs } from '../test/fixture-tensors.ts';
import { distillation } from './losses.ts';

/** The case states no noise figure. */
function expectLikeReference(actual: Tensor, entry: OfqCase, key: string): void {
  const { data } = entry.tensors.get(key)!;
  expectClose(actual, data, 2e-5 * maxAbs(data), `${entry.name}: ${key}`);
}

describe.each(['cpu', 'wasm'])('distillation on %s', (backend) => {
  beforeAll(() => setBackend(backend));

  it.each(['kd_loss_deit_int', 'kd_loss_deit_soft'])(
    'has the value and gradients of the OFQ code: %s',
    (name) => {
      const entry = ofqCase(name);
      const [cls, dist] = [fixtureTensor(entry, 'student_cls'), fixtureTensor(entry, 'student_dist')];
      const teacher = fixtureTensor(entry, 'teacher_cls');
      const target = fixtureTensor(entry, 'target');
      const loss = (cls: Tensor, dist: Tensor) => distillation(cls, dist, teacher, target);
      expectLikeReference(loss(cls, dist), entry, 'loss');
      const [dCls, dDist] = grads(loss)([cls, dist]);
      expectLikeReference(dCls!, entry, 'd_student_cls');
      expectLikeReference(dDist!, entry, 'd_student_dist');
    },
  );

  it('serves a model with one head, whose gradient collects both terms', () => {
    const entry = ofqCase('kd_loss_swin_int');
    const teacher = fixtureTensor(entry, 'teacher');
    const target = fixtureTensor(entry, 'target');
    const loss = (student: Tensor) => distillation(student, student, teacher, target);
    const student = fixtureTensor(entry, 'student');
    expectLikeReference(loss(student), entry, 'loss');
    expectLikeReference(grads(loss)([student])[0]!, entry, 'd_student');
    expect(student.isDisposed).toBe(false);
  });
});
