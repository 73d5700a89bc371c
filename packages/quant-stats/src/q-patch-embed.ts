import { linear, type NamedTensors, patchify } from '@proj/ops';
import { reshape, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { LayerBits } from './bits.ts';
import { imageIsSigned, initialStep } from './initial-step.ts';
import { lsqInput } from './lsq-input.ts';
import { inputParameters, parameterOf, weightStep } from './parameters.ts';
import { quantize } from './quantize.ts';
import { lsqConvolution, lsqImage } from './quantizers.ts';

/** A quantized patch embedding whose parameters begin with `prefix`; the paper's has 8 bits. */
export interface QPatchEmbedSpec {
  readonly prefix: string;
  readonly bits: LayerBits;
}

/**
 * Images [B, channels, H, W] to patches [B, N, out], float32 (`LSQ_QConv2d`, stride p): LSQ with a step for each channel on the images,
 * with offsets for each pixel that the channels share, and LSQ with a step for each output on the kernel.
 *
 * Reads `weight` [out, channels, p, p], `bias`, `input_quant_fn.s` [channels], `move_b4.bias`, `move_aft.bias` [H W], `lsqw_fn.s` [out];
 * of `buffers` `input_quant_fn.signed` [1]: codes are signed where it is 1, or where these very images have negative values.
 *
 * @throws {QuantStatsError} `QS_PARAMETER_MISSING`, `QS_SHAPE_MISMATCH`; `QS_NON_FINITE` for images while the flag is 0.
 * @throws {OpsError} `OPS_SHAPE_MISMATCH` for images of another size.
 */
export function qPatchEmbed(
  images: Tensor,
  parameters: NamedTensors,
  buffers: NamedTensors,
  { prefix, bits }: QPatchEmbedSpec,
): Tensor {
  const get = (name: string): Tensor => parameterOf(parameters, `${prefix}.${name}`);
  return tidy(() => {
    const quantizer = lsqImage(bits.activation, isSigned(images, parameters, buffers, prefix));
    const input = lsqInput(images, parameters, { prefix, quantizer });
    const step = parameterOf(parameters, weightStep(prefix));
    const kernel = quantize(lsqConvolution(bits.weight), get('weight'), step);
    const [out, , patch] = kernel.shape as [number, number, number];
    return linear(patchify(input, patch), reshape(kernel, [out, kernel.size / out]), get('bias'));
  });
}

/**
 * What quantization adds to a patch embedding, as it starts: steps from the images and from the kernel, offsets of 0, and the sign flag
 * of the images.
 *
 * @throws {QuantStatsError} `QS_NON_FINITE`, `QS_PARAMETER_MISSING`, `QS_SHAPE_MISMATCH`.
 */
export function initQPatchEmbed(
  images: Tensor,
  parameters: NamedTensors,
  { prefix, bits }: QPatchEmbedSpec,
): { parameters: Map<string, Tensor>; buffers: Map<string, Tensor> } {
  const signed = imageIsSigned(images);
  const step = initialStep(lsqImage(bits.activation, signed), images);
  const [height, width] = images.shape.slice(-2) as [number, number];
  const weight = parameterOf(parameters, `${prefix}.weight`);
  const added = inputParameters(prefix, step, height * width);
  return {
    parameters: added.set(weightStep(prefix), initialStep(lsqConvolution(bits.weight), weight)),
    buffers: new Map([[signFlag(prefix), tensor1d([signed ? 1 : 0])]]),
  };
}

/**
 * The buffers after a pass over `images`: the sign flag becomes 1 once they have negative values, and stays. The very same map where
 * nothing changes. The reference code does this in its forward pass, also when it evaluates.
 *
 * @throws {QuantStatsError} `QS_NON_FINITE`, `QS_PARAMETER_MISSING`.
 */
export function observeSign(
  images: Tensor,
  parameters: NamedTensors,
  buffers: NamedTensors,
  { prefix }: Pick<QPatchEmbedSpec, 'prefix'>,
): NamedTensors {
  const flag = signFlag(prefix);
  if (flagOf(buffers, prefix) || !isSigned(images, parameters, buffers, prefix)) return buffers;
  return new Map(buffers).set(flag, tensor1d([1]));
}

const signFlag = (prefix: string): string => `${prefix}.input_quant_fn.signed`;

const flagOf = (buffers: NamedTensors, prefix: string): boolean =>
  parameterOf(buffers, signFlag(prefix)).dataSync()[0] !== 0;

function isSigned(images: Tensor, parameters: NamedTensors, buffers: NamedTensors, prefix: string): boolean {
  return flagOf(buffers, prefix) || imageIsSigned(images, parameterOf(parameters, `${prefix}.move_b4.bias`));
}
