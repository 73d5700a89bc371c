import { lsq, statsq } from '@proj/ops';
import { grads } from '@tensorflow/tfjs-core';
import { type Computed, type Kind, live } from './kind.ts';

/** StatsQ of weights [out, in], or of [A, groups, C] with a scale along the second axis. */
export const statsqWeights: Kind = {
  is: ({ ref, tensors }) => ref.includes('statsq.py') && tensors.has('w') && tensors.has('q'),
  compute(entry) {
    const bits = entry.config['num_bits'] as number;
    const w = live(entry, 'w');
    const [groups, inner] = w.shape.slice(-2) as [number, number];
    const run = (w: Parameters<typeof statsq>[0]) => statsq(w, { bits, groups, inner });
    const q = run(w).dataSync();
    const computed: Computed[] = [['q', q]];
    if (entry.tensors.has('g')) {
      const [dw] = grads((w) => run(w!))([w], live(entry, 'g'));
      computed.push(['dw', dw!.dataSync()]);
    }
    if (entry.tensors.has('level')) {
      const scale = entry.tensors.get('scale')!.data;
      const code = (q: number, i: number) =>
        Math.round((q / scale[Math.floor(i / inner) % groups]!) * 2 ** (bits - 1) - 0.5);
      computed.push(['level', Array.from(q, code)]);
    }
    return computed;
  },
};

/** Along which axis each of the reference's LSQ quantizers has its steps. */
const stepAxis: Readonly<Record<string, number>> = {
  LsqQuantizer: -2,
  LsqQuantizer4v: -1,
  LsqQuantizer4head_input: 0,
  LsqQuantizer4img: 1,
  LsqQuantizer4Conv2d: 0,
  LsqQuantizerWeight: 0,
};

/** LSQ in every granularity, with the steps of its initialisation and with others. */
export const lsqQuantizers: Kind = {
  is: ({ ref, tensors }) => ref.includes('lsq.py') && tensors.has('used.y'),
  compute(entry) {
    const x = live(entry, 'x');
    const axis = stepAxis[/lsq\.py: (\w+)/.exec(entry.ref)![1]!]!;
    return ['init', 'used'].flatMap((phase): Computed[] => {
      const step = live(entry, `${phase}.s`);
      const rest = x.shape.slice(axis).slice(1);
      const inner = step.size === 1 ? x.size : rest.reduce((a, b) => a * b, 1);
      const high = entry.config['thd_pos'] as number;
      const gradientScale = 1 / Math.sqrt((high * x.size) / step.size);
      const spec = { inner, low: entry.config['thd_neg'] as number, high, gradientScale };
      const [dx, ds] = grads((x, step) => lsq(x!, step!, spec))([x, step], live(entry, 'g'));
      return [
        [`${phase}.y`, lsq(x, step, spec).dataSync()],
        [`${phase}.dx`, dx!.dataSync()],
        [`${phase}.ds`, ds!.dataSync()],
      ];
    });
  },
};
