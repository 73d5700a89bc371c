import type { OfqCase } from '@proj/fixtures';
import { grads, reshape, type Tensor } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { describeOnBackends } from '../test/backends.ts';
import { casesOf, expectReference, live } from '../test/reference.ts';
import type { Bits } from './bits.ts';
import { codes, dequantize, statsqScale } from './codes.ts';
import { imageIsSigned, initialStep } from './initial-step.ts';
import { levelsOf } from './layout.ts';
import { quantize } from './quantize.ts';
import {
  type LsqQuantizer,
  lsqConvolution,
  lsqFeatures,
  lsqImage,
  lsqProbabilities,
  lsqQueriesKeys,
  lsqRows,
  lsqTensor,
  lsqTokens,
  lsqValues,
  statsq2d,
  statsq3d,
  statsq4d,
} from './quantizers.ts';

/** The description of each kind of case. */
const lsqOf: readonly [RegExp, (bits: Bits, x: Tensor) => LsqQuantizer][] = [
  [/^lsq_token_signed_/, (bits) => lsqTokens(bits)],
  [/^lsq_token_unsigned_/, (bits) => lsqTokens(bits, false)],
  [/^lsq_eps_clip_/, (bits) => lsqTokens(bits)],
  [/^lsq_v_/, lsqValues],
  [/^lsq_softmax_/, lsqProbabilities],
  [/^lsq_qk4d_/, lsqQueriesKeys],
  [/^lsq_weight_w/, lsqRows],
  [/^lsq_weight_pertensor_/, lsqTensor],
  [/^lsq_conv_/, lsqConvolution],
  [/^lsq_head_input_/, lsqFeatures],
  [/^lsq_img_(un)?signed_/, (bits, x) => lsqImage(bits, imageIsSigned(x))],
];

const data = (entry: OfqCase, name: string): number[] => Array.from(entry.tensors.get(name)!.data);
const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync());

describeOnBackends('the quantizers', () => {
  it('StatsQ has the values, scales, codes and gradients of the reference, ties and saturation included', () => {
    for (const entry of casesOf(/^statsq_/)) {
      const bits = entry.config['num_bits'] as Bits;
      const w = live(entry, 'w');
      const quantizer = w.rank === 3 ? statsq3d(bits) : statsq2d(bits);
      const scale = statsqScale(quantizer, w);
      const integers = codes(quantizer, w, scale);
      expectReference(entry, 'q', quantize(quantizer, w));
      expectReference(entry, 'q', dequantize(quantizer, integers, scale));
      if (entry.tensors.has('scale')) expectReference(entry, 'scale', scale);
      if (entry.tensors.has('level')) expectReference(entry, 'level', integers);
      if (entry.tensors.has('code_histogram')) {
        const { low, high } = levelsOf(quantizer);
        const counts = Array.from({ length: high - low + 1 }, () => 0);
        for (const code of integers.dataSync()) counts[code - low]!++;
        expect(counts, entry.name).toEqual(data(entry, 'code_histogram'));
      }
      if (!entry.tensors.has('g')) continue;
      const [dw] = grads((w) => quantize(quantizer, w!))([w], live(entry, 'g'));
      expect(values(dw!), entry.name).toEqual(data(entry, 'dw').map(Math.fround));
    }
  });

  it.each(lsqOf)(
    'LSQ of %s starts with the steps of the reference, and has its values and gradients',
    (kind, of) => {
      for (const entry of casesOf(kind)) {
        const x = live(entry, 'x');
        const quantizer = of(entry.config['bit'] as Bits, x);
        const { low, high } = levelsOf(quantizer);
        expect([low, high]).toEqual([entry.config['thd_neg'], entry.config['thd_pos']]);
        expectReference(entry, 's_init', initialStep(quantizer, x));
        for (const phase of ['init', 'used']) {
          const step = live(entry, `${phase}.s`);
          const y = quantize(quantizer, x, step);
          expectReference(entry, `${phase}.y`, y);
          expect(values(dequantize(quantizer, codes(quantizer, x, step), step))).toEqual(values(y));
          const [dx, ds] = grads((x, step) => quantize(quantizer, x!, step!))([x, step], live(entry, 'g'));
          expectReference(entry, `${phase}.dx`, dx!);
          expectReference(entry, `${phase}.ds`, ds!);
        }
        if (entry.tensors.has('signed')) expect([Number(imageIsSigned(x))]).toEqual(data(entry, 'signed'));
      }
    },
  );

  it('LSQ with one step for all features is LSQ with one step for a weight', () => {
    const [entry] = casesOf(/^lsq_weight_pertensor_w2$/) as [OfqCase];
    const [x, step] = [live(entry, 'x'), live(entry, 'used.s')];
    expect(values(quantize(lsqFeatures(2), x, step))).toEqual(values(quantize(lsqTensor(2), x, step)));
  });

  it('4-D StatsQ has a scale for each index of the third axis', () => {
    const [entry] = casesOf(/^statsq_3d_w3$/) as [OfqCase];
    const w = live(entry, 'w');
    const [a, groups, inner] = w.shape as [number, number, number];
    // Of one head, it is the 3-D form.
    expectReference(
      { ...entry, tensors: new Map([['q', { ...entry.tensors.get('q')!, shape: [a, 1, groups, inner] }]]) },
      'q',
      quantize(statsq4d(3), reshape(w, [a, 1, groups, inner])),
    );
  });
});
