import { frozenWeights } from '@proj/cga';
import type { OfqCase } from '@proj/fixtures';
import {
  type Bits,
  codes,
  imageIsSigned,
  initialStep,
  type LsqQuantizer,
  levelsOf,
  lsqConvolution,
  lsqFeatures,
  lsqImage,
  lsqProbabilities,
  lsqQueriesKeys,
  lsqRows,
  lsqTensor,
  lsqTokens,
  lsqValues,
  positions,
  quantize,
  statsq2d,
  statsq3d,
  statsqScale,
} from '@proj/quant-stats';
import { clipByValue, grads, type Tensor } from '@tensorflow/tfjs-core';
import { type Computed, type Kind, live } from './kind.ts';

/** Where weights [out, in] lie among the thresholds, as the reference clips them before it rounds. */
function clippedPositions(w: Tensor, bits: Bits): Computed {
  const n = 2 ** (bits - 1);
  const quantizer = statsq2d(bits);
  const at = positions(quantizer, w, statsqScale(quantizer, w));
  return ['pre_round', clipByValue(at, -n - 0.5, n * (1 - 1e-6) - 0.5).dataSync()];
}

/** The mask of weights that CGA freezes. */
const freezeMask = (w: Tensor, { config }: OfqCase): Computed => [
  'freeze',
  frozenWeights(w, {
    bits: config['num_bits'] as Bits,
    boundaryRange: config['boundaryRange'] as number,
  }).dataSync(),
];

/** StatsQ of weights [out, in], or of [A, groups, C] with a scale along the second axis: values, codes, scales and gradient. */
export const statsqWeights: Kind = {
  is: ({ ref, tensors }) => ref.includes('statsq.py') && tensors.has('w') && tensors.has('q'),
  given: /^[wg]$/,
  compute(entry) {
    const { tensors } = entry;
    const bits = entry.config['num_bits'] as Bits;
    const w = live(entry, 'w');
    const quantizer = w.rank === 3 ? statsq3d(bits) : statsq2d(bits);
    const scale = statsqScale(quantizer, w);
    const level = codes(quantizer, w, scale).dataSync();
    const { low, high } = levelsOf(quantizer);
    const counts = Array.from({ length: high - low + 1 }, () => 0);
    for (const code of level) counts[code - low]!++;
    const all: Computed[] = [
      ['q', quantize(quantizer, w).dataSync()],
      ['scale', scale.dataSync()],
      ['level', level],
      ['code_histogram', counts],
    ];
    if (tensors.has('g')) {
      const [dw] = grads((w) => quantize(quantizer, w!))([w], live(entry, 'g'));
      all.push(['dw', dw!.dataSync()]);
    }
    if (tensors.has('pre_round')) all.push(clippedPositions(w, bits));
    if (tensors.has('freeze')) all.push(freezeMask(w, entry));
    return all;
  },
};

/** Which weights CGA freezes. */
export const cgaMasks: Kind = {
  is: ({ tensors }) => tensors.has('w') && tensors.has('freeze') && !tensors.has('q'),
  given: /^w$/,
  compute(entry) {
    const w = live(entry, 'w');
    return [freezeMask(w, entry), clippedPositions(w, entry.config['num_bits'] as Bits)];
  },
};

/** The quantizer of each of the reference's classes. */
const lsqOf: Readonly<Record<string, (x: Tensor, bits: Bits, config: OfqCase['config']) => LsqQuantizer>> = {
  LsqQuantizer: (x, bits, { thd_neg }) => {
    if (x.rank === 3) return lsqTokens(bits, thd_neg !== 0);
    return thd_neg === 0 ? lsqProbabilities(bits) : lsqQueriesKeys(bits);
  },
  LsqQuantizer4v: (_, bits) => lsqValues(bits),
  LsqQuantizer4head_input: (_, bits) => lsqFeatures(bits),
  LsqQuantizer4img: (x, bits) => lsqImage(bits, imageIsSigned(x)),
  LsqQuantizer4Conv2d: (_, bits) => lsqConvolution(bits),
  LsqQuantizerWeight: (_, bits, { per_channel }) => (per_channel === false ? lsqTensor(bits) : lsqRows(bits)),
};

/** LSQ in every granularity: where its steps start, and values and gradients with these steps and with others. */
export const lsqQuantizers: Kind = {
  is: ({ ref, tensors }) => ref.includes('lsq.py') && tensors.has('used.y'),
  given: /^([xg]|used\.s)$/,
  compute(entry) {
    const { config } = entry;
    const x = live(entry, 'x');
    const name = /lsq\.py: (\w+)/.exec(entry.ref)![1]!;
    const quantizer = lsqOf[name]!(x, config['bit'] as Bits, config);
    const { low, high } = levelsOf(quantizer);
    if (low !== config['thd_neg'] || high !== config['thd_pos']) {
      throw new Error(`${entry.name}: the levels are ${low} .. ${high} here.`);
    }
    // Some cases put other steps in place of those that it would start with.
    const initial = initialStep(quantizer, x).dataSync();
    const phases = ['init', 'used'].flatMap((phase): Computed[] => {
      const step = live(entry, `${phase}.s`);
      const [dx, ds] = grads((x, step) => quantize(quantizer, x!, step!))([x, step], live(entry, 'g'));
      return [
        [`${phase}.y`, quantize(quantizer, x, step).dataSync()],
        [`${phase}.dx`, dx!.dataSync()],
        [`${phase}.ds`, ds!.dataSync()],
      ];
    });
    return [['s_init', initial], ['init.s', initial], ['signed', [Number(quantizer.signed)]], ...phases];
  },
};
