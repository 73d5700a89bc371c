import {
  type LsqOffsets,
  type LsqSpec,
  linear,
  lsq,
  mergeQueryKey,
  type NamedTensors,
  patchify,
  type QuantizedAffine,
  quantizedAttentionBlock,
  quantizedLinear,
  quantizedMlp,
} from '@proj/ops';
import { reshape, type Tensor } from '@tensorflow/tfjs-core';

/** Bits of the image, the patch projection and the heads, in every model of the paper. */
const OUTER_BITS = 8;

/** The layers of OFQ's models with all their quantizers, each between its name's prefix and tensors; names are the reference code's. */
export interface QuantizedParts {
  /** Images [B, channels, S, S] to patches [B, N, C]: LSQ on images per channel and on the weight per output, 8 bits. */
  patches(images: Tensor, prefix: string, patchSize: number): Tensor;
  /** x Wᵀ + b of tokens [B, N, in], LSQ per token (unsigned where `signed` is false) and StatsQ. */
  linear(x: Tensor, prefix: string, signed?: boolean): Tensor;
  /** QKR's attention with its projection, [B, N, C] to [B, N, C], plus a residual; a mask as `quantizedAttention` has it. */
  attention(x: Tensor, prefix: string, heads: number, residual?: Tensor, mask?: Tensor): Tensor;
  /** fc2(GELU(fc1 x)), [B, N, C] to [B, N, C], plus a residual. */
  mlp(x: Tensor, prefix: string, residual?: Tensor): Tensor;
  /** Features [B, C] to logits [B, classes]: one LSQ step for all features, one for each row of the weight, 8 bits. */
  head(x: Tensor, prefix: string): Tensor;
}

/** OFQ's layers with blocks of `bits` bits (weights and activations) on live parameters; `get` finds one by its name. */
export function quantizedParts(get: (name: string) => Tensor, bits: number): QuantizedParts {
  const offsets = (before: string, after: string): LsqOffsets => ({
    before: get(`${before}.bias`),
    after: get(`${after}.bias`),
  });
  /** Every linear layer's input: one step for each `inner` elements, one pair of offsets for each channel. */
  const input = (x: Tensor, prefix: string, inner: number, bits: number, signed: boolean): Tensor => {
    const step = get(`${prefix}.input_quant_fn.s`);
    return quantized(x, step, inner, bits, signed, offsets(`${prefix}.move_b4`, `${prefix}.move_aft`));
  };
  const outerWeight = (prefix: string): Tensor => {
    const w = get(`${prefix}.weight`);
    const rows = reshape(w, [w.shape[0]!, w.size / w.shape[0]!]);
    return quantized(rows, get(`${prefix}.lsqw_fn.s`), rows.shape[1]!, OUTER_BITS, true);
  };
  /** A linear layer for tokens [B, N, in], of `positions` B N. */
  const affine = (prefix: string, positions: number, signed = true): QuantizedAffine => {
    const [w, step] = [get(`${prefix}.weight`), get(`${prefix}.input_quant_fn.s`)];
    const inner = w.shape[1]!;
    return {
      weight: w,
      bias: get(`${prefix}.bias`),
      step,
      offsets: offsets(`${prefix}.move_b4`, `${prefix}.move_aft`),
      input: lsqSpec(positions * inner, step, inner, bits, signed),
      bits,
    };
  };
  const positions = (x: Tensor): number => x.shape[0]! * x.shape[1]!;

  return {
    patches(images, prefix, patchSize) {
      const pixels = images.shape[2]! * images.shape[3]!;
      const quantizedImages = input(images, prefix, pixels, OUTER_BITS, true);
      return linear(patchify(quantizedImages, patchSize), outerWeight(prefix), get(`${prefix}.bias`));
    },
    linear: (x, prefix, signed) => quantizedLinear(x, affine(prefix, positions(x), signed)),
    attention(x, prefix, heads, residual, mask) {
      const [batch, tokens, width] = x.shape as [number, number, number];
      const spec = (step: Tensor, size: number, inner: number): LsqSpec =>
        lsqSpec(size, step, inner, bits, true);
      const [stepX, stepK, stepV] = ['quant_x_4_qkv.input_quant_fn', 'quan_a_qkx_fn', 'quan_a_v_fn'].map(
        (name) => get(`${prefix}.${name}.s`),
      ) as [Tensor, Tensor, Tensor];
      const moved = (before: string, after: string): LsqOffsets =>
        offsets(`${prefix}.${before}`, `${prefix}.${after}`);
      const { high } = codes(bits, false);
      const layers = {
        tokens: {
          step: stepX,
          offsets: moved('quant_x_4_qkv.move_b4', 'quant_x_4_qkv.move_aft'),
          input: spec(stepX, x.size, width),
        },
        keys: {
          weight: mergeQueryKey(get(`${prefix}.q.weight`), get(`${prefix}.k.weight`), heads),
          bits,
          step: stepK,
          offsets: moved('move_qkx_b4', 'move_qkx_aft'),
          input: spec(stepK, heads * x.size, width),
        },
        values: {
          weight: get(`${prefix}.v.weight`),
          bias: get(`${prefix}.v.bias`),
          bits,
          step: stepV,
          offsets: moved('move_v_b4', 'move_v_aft'),
          input: spec(stepV, x.size, 1),
        },
        probabilities: {
          step: get(`${prefix}.quan_a_softmax_fn.s`),
          heads,
          scale: 1 / Math.sqrt(width / heads),
          high,
          gradientScale: 1 / Math.sqrt(high * batch * heads * tokens),
        },
        proj: affine(`${prefix}.proj`, positions(x)),
        mask,
      };
      return quantizedAttentionBlock(x, layers, residual);
    },
    mlp: (x, prefix, residual) =>
      quantizedMlp(
        x,
        affine(`${prefix}.fc1`, positions(x)),
        affine(`${prefix}.fc2`, positions(x), false),
        residual,
      ),
    head: (x, prefix) =>
      linear(input(x, prefix, x.size, OUTER_BITS, true), outerWeight(prefix), get(`${prefix}.bias`)),
  };
}

/** A lookup of parameters that says which one is missing. */
export function parameterOf(parameters: NamedTensors): (name: string) => Tensor {
  return (name) => {
    const parameter = parameters.get(name);
    if (parameter === undefined) {
      throw new Error(`there is no parameter ${name} among the ${parameters.size} given`);
    }
    return parameter;
  };
}

/** Smallest and largest code of b bits. */
function codes(bits: number, signed: boolean) {
  return signed ? { low: -(2 ** (bits - 1)), high: 2 ** (bits - 1) - 1 } : { low: 0, high: 2 ** bits - 1 };
}

/** LSQ of `size` elements with the reference code's gradient scale 1 / sqrt(high M), M the number of elements that share a step. */
function lsqSpec(size: number, step: Tensor, inner: number, bits: number, signed: boolean): LsqSpec {
  const { low, high } = codes(bits, signed);
  return { inner, low, high, gradientScale: 1 / Math.sqrt((high * size) / step.size) };
}

/** LSQ as `lsqSpec` has it. */
export function quantized(
  x: Tensor,
  step: Tensor,
  inner: number,
  bits: number,
  signed: boolean,
  offsets?: LsqOffsets,
): Tensor {
  return lsq(x, step, lsqSpec(x.size, step, inner, bits, signed), offsets);
}
