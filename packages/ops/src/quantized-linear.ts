import { clone, matMul, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { fast, isFast } from './fast.ts';
import { gelu } from './gelu.ts';
import { linear } from './linear.ts';
import { type LsqOffsets, type LsqSpec, lsq, requireLsq } from './lsq.ts';
import { plus } from './plus.ts';
import { affineGradients, branch, gradientsWanted, rows } from './residual.ts';
import { requireFloat, requireShapes } from './shapes.ts';
import { requireBits, statsq } from './statsq.ts';

/** A linear layer with OFQ's quantizers (`QLinear`): LSQ with offsets on its input, StatsQ on its weight. */
export interface QuantizedAffine {
  /** [out, in], a scale for each row. */
  readonly weight: Tensor;
  readonly bias: Tensor;
  /** LSQ's steps [G]. */
  readonly step: Tensor;
  readonly offsets: LsqOffsets;
  readonly input: LsqSpec;
  /** Bits of the weight. */
  readonly bits: number;
}

/**
 * LSQ(x) StatsQ(weight)ᵀ + bias, plus `residual` where one is given: `x` [..., in] -> [..., out], float32; gradients as `lsq`,
 * `statsq` and `linear` have them. With kernels it is one step of the tape, and the residual belongs to the product's pass.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`, `OPS_BAD_ARGUMENT`, as `lsq`, `statsq` and `linear` do.
 */
export function quantizedLinear(x: Tensor, layer: QuantizedAffine, residual?: Tensor): Tensor {
  requireFloat('quantizedLinear', { x });
  requireLayer('quantizedLinear', x.shape, layer, residual);
  if (!isFast('Lsq')) {
    return tidy(() => {
      const y = dense(x, layer);
      return residual === undefined ? y : plus(residual, y);
    });
  }
  const keeps = gradientsWanted();
  const residuals = residual === undefined ? [] : [residual];
  return differentiable([x, ...tensorsOf(layer), ...residuals], () => {
    const [xq, wq] = quantize(x, layer);
    return {
      value: product(xq, wq, layer, residual),
      saved: keeps ? [x, xq, wq, layer.step, layer.offsets.before] : [],
      gradient: (dy, [x, xq, wq, step, before]) => {
        const kept = { x: x!, xq: xq!, wq: wq!, step: step!, before: before! };
        return [...layerGradients(dy, kept, layer.input), ...residuals.map(() => clone(dy))];
      },
    };
  });
}

/**
 * fc2(GELU(fc1 x)) of quantized layers (`QMLP`), plus `residual` where one is given: `x` [..., C] -> [..., C], float32.
 *
 * With kernels it is one step of the tape, which goes through some hundreds of rows at a time: bias, GELU and residual belong to the
 * products' passes, the GELU's slope to that of fc2's quantizer, and kept for the gradient are x, the quantized weights, and the
 * GELU's values and slopes.
 *
 * @throws {OpsError} as `quantizedLinear`.
 */
export function quantizedMlp(
  x: Tensor,
  fc1: QuantizedAffine,
  fc2: QuantizedAffine,
  residual?: Tensor,
): Tensor {
  requireFloat('quantizedMlp', { x });
  requireLayer('quantizedMlp', x.shape, fc1);
  requireLayer('quantizedMlp', [...x.shape.slice(0, -1), fc1.bias.size], fc2, residual);
  if (!isFast('QuantizedMlp')) {
    return tidy(() => quantizedLinear(gelu(quantizedLinear(x, fc1)), fc2, residual));
  }
  const inputs = { x, ...named(fc1, '1'), ...named(fc2, '2'), ...(residual && { residual }) };
  const kept = ['quantized1', 'quantized2', 'hidden', 'slope'];
  const unread = ['weight1', 'bias1', 'weight2', 'bias2', 'residual'];
  return branch('QuantizedMlp', inputs, unread, kept, { ...numbers(fc1, '1'), ...numbers(fc2, '2') });
}

/** What a layer, or a quantizer alone, has. */
type Quantized = Pick<QuantizedAffine, 'step' | 'offsets' | 'input'> & Partial<QuantizedAffine>;

/** Its tensors, in the order of their gradients, under names that end alike. */
export const named = (
  { weight, bias, step, offsets }: Quantized,
  suffix: string,
): Record<string, Tensor> => ({
  ...(weight && { [`weight${suffix}`]: weight }),
  ...(bias && { [`bias${suffix}`]: bias }),
  [`step${suffix}`]: step,
  [`before${suffix}`]: offsets.before,
  [`after${suffix}`]: offsets.after,
});

/** Its numbers, likewise. */
export const numbers = ({ input, bits }: Quantized, suffix: string): Record<string, number> => ({
  [`inner${suffix}`]: input.inner,
  [`low${suffix}`]: input.low,
  [`high${suffix}`]: input.high,
  [`gradientScale${suffix}`]: input.gradientScale,
  ...(bits !== undefined && { [`levels${suffix}`]: 2 ** (bits - 1) }),
});

const tensorsOf = ({ weight, bias, step, offsets }: QuantizedAffine): Tensor[] => [
  weight,
  bias,
  step,
  offsets.before,
  offsets.after,
];

/** What a gradient needs of a layer's pass: its input, both operands of its product, and the quantizer's parameters. */
interface Kept {
  readonly x: Tensor;
  readonly xq: Tensor;
  readonly wq: Tensor;
  readonly step: Tensor;
  readonly before: Tensor;
}

/** The composed layer. */
function dense(x: Tensor, { weight, bias, step, offsets, input, bits }: QuantizedAffine): Tensor {
  const [groups, inner] = weight.shape as [number, number];
  return linear(lsq(x, step, input, offsets), statsq(weight, { bits, groups, inner }), bias);
}

/** Input and weight as the product gets them, by the kernels. */
function quantize(x: Tensor, { weight, step, offsets, input, bits }: QuantizedAffine): [Tensor, Tensor] {
  const { inner, low, high } = input;
  const [groups, width] = weight.shape as [number, number];
  const [xq] = fast('Lsq', { x, step, ...offsets }, { inner, low, high })!;
  return [xq!, fast('Statsq', { w: weight }, { levels: 2 ** (bits - 1), groups, inner: width })![0]!];
}

/** xq wqᵀ + bias + residual in one pass, by the kernel. */
function product(x: Tensor, weight: Tensor, { bias }: QuantizedAffine, residual: Tensor | undefined): Tensor {
  return fast('Linear', { x, weight, bias, ...(residual && { from: residual }) })![0]!;
}

/** dx, dweight, dbias, dstep, dbefore, dafter, by the kernels. */
function layerGradients(dy: Tensor, { xq, wq, ...quantizer }: Kept, input: LsqSpec): Tensor[] {
  const { inner, low, high, gradientScale } = input;
  const dxq = matMul(rows(dy), wq);
  const [dx, ...rest] = fast('LsqGradient', { dy: dxq, ...quantizer }, { inner, low, high, gradientScale })!;
  return [dx!, ...affineGradients(dy, xq), ...rest];
}

function requireLayer(
  operation: string,
  shape: readonly number[],
  { weight, bias, step, offsets, input, bits }: QuantizedAffine,
  residual?: Tensor,
): void {
  const tensors = { weight, bias, ...(residual && { residual }) };
  requireFloat(operation, tensors);
  requireBits(operation, bits);
  requireLsq(operation, shape, step, input, offsets);
  const [outputs, inputs] = weight.shape as [number, number];
  requireShapes(
    shape.length >= 2 &&
      weight.rank === 2 &&
      shape.at(-1) === inputs &&
      bias.rank === 1 &&
      bias.size === outputs &&
      (residual === undefined || residual.shape.join() === [...shape.slice(0, -1), outputs].join()),
    operation,
    'x [..., in], weight [out, in], bias [out] and a residual [..., out]',
    { x: { shape }, ...tensors },
  );
}
