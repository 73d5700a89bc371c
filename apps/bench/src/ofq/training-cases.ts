import type { OfqTensor } from '@proj/fixtures';
import { qkrFromQkv } from '@proj/qkr';
import { type OscillationState, trackOscillation } from '@proj/quant-stats';
import { cosine, distillation } from '@proj/trainer';
import { grads, type Tensor } from '@tensorflow/tfjs-core';
import { type Computed, type Kind, live } from './kind.ts';

/** The distillation loss with one head or two, and its gradients. */
export const distillationLoss: Kind = {
  is: ({ tensors }) => tensors.has('target') && (tensors.has('d_student') || tensors.has('d_student_cls')),
  given: /^(student|teacher|target)/,
  allowed: (_entry, _name, largest) => 2e-5 * largest,
  compute(entry) {
    const oneHead = entry.tensors.has('student');
    const heads = oneHead ? ['student'] : ['student_cls', 'student_dist'];
    const [teacher, target] = [live(entry, oneHead ? 'teacher' : 'teacher_cls'), live(entry, 'target')];
    const loss = (...outputs: Tensor[]) => distillation(outputs[0]!, outputs.at(-1)!, teacher, target);
    const outputs = heads.map((head) => live(entry, head));
    const gradients = grads(loss)(outputs);
    return [
      ['loss', loss(...outputs).dataSync()],
      ...heads.map((head, i): Computed => [`d_${head}`, gradients[i]!.dataSync()]),
    ];
  },
};

/** Learning rates per epoch, for each configuration the case names; those of CGA go on where training ended. */
export const learningRates: Kind = {
  is: ({ config }) =>
    Object.values(config).some(
      (value) => typeof value === 'object' && value !== null && 'warmup_lr' in value,
    ),
  given: /^$/,
  allowed: (_entry, _name, largest) => 2e-7 * largest,
  compute({ config, tensors }) {
    return Object.entries(config).flatMap(([name, value]) => {
      const { lr, epochs, warmup_epochs, warmup_lr, min_lr } = value as Record<string, number>;
      const rate = cosine({
        base: lr!,
        min: min_lr!,
        warmup: warmup_epochs!,
        warmupFrom: warmup_lr!,
        total: epochs!,
      });
      const from = (start: number, key: string): Computed => [
        key,
        Float64Array.from({ length: tensors.get(key)!.data.length }, (_, epoch) => rate(start + epoch)),
      ];
      return [from(0, `${name}.lr`), from(epochs!, `${name}.cga_lr`)];
    });
  },
};

/** Weights of a float attention as QKR takes them over, bit for bit. That the reference forgets proj is recorded, not repeated. */
export const qkrStart: Kind = {
  is: ({ tensors }) => tensors.has('qkv.weight') && tensors.has('k.weight'),
  given: /^(qkv\.(weight|bias)|proj_weight_equal_pretrained)$/,
  allowed: () => 0,
  compute(entry) {
    const taken = qkrFromQkv(live(entry, 'qkv.weight'), live(entry, 'qkv.bias'));
    return Object.entries(taken).map(([name, tensor]) => [name, tensor.dataSync()]);
  },
};

/** Codes, frequencies and totals of oscillation over the steps of a training, and what iterative freezing freezes, bit for bit. */
export const oscillation: Kind = {
  is: ({ tensors }) => tensors.has('x_int'),
  given: /^x_int$/,
  allowed: () => 0,
  compute({ config, tensors }) {
    const { shape, data } = tensors.get('x_int') as OfqTensor;
    const [steps, size] = [shape[0]!, data.length / shape[0]!];
    const [momentum, freezeAbove] = [config['momentum'], config['freeze_threshold']] as [number, number];
    const settings = { momentum, ...(freezeAbove > 0 && { freezeAbove }) };
    const found: Record<string, number[]> = {};
    const add = (name: string, values: Iterable<number>): void => {
      found[name] = [...(found[name] ?? []), ...values];
    };
    let state: OscillationState | undefined;
    for (let step = 0; step < steps; step++) {
      const codes = Array.from(data).slice(step * size, (step + 1) * size);
      const tracked = trackOscillation(state, codes, settings);
      state = tracked.state;
      add('out', state.codes);
      add('ema_oscillation', state.frequency);
      add('total_oscillation', state.total);
      add('oscillated_sum', [tracked.oscillated]);
      add('frozen', state.freezing?.frozen ?? []);
      add('ema_x_int', state.freezing?.averages ?? []);
    }
    return Object.entries(found);
  },
};
