import { layerNorm, type NamedTensors } from '@proj/ops';
import { type LayerBits, qHead, qLinear, qMlp, qPatchEmbed } from '@proj/quant-stats';
import { mean, reshape, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { namedParameters } from '../named-parameters.ts';
import { requireImages } from '../patch-tokens.ts';
import type { SwinConfig } from '../swin-config.ts';
import type { MergeSpec, SwinLayers, WindowSpec } from '../swin-layers.ts';
import { intoWindows, mergedTokens, outOfWindows, windowBias } from '../window-tensors.ts';
import { qAttention } from './attention.ts';
import { layerBits, type QuantizedDesign } from './design.ts';
import type { QuantizedHooks } from './layers.ts';

/**
 * The layers of a quantized Swin Transformer on tfjs tensors, as `quantizedLayers` has a ViT's; what is said there holds.
 *
 * Windows attend with a step for each of their tokens, which all windows share. Maps [B, H, W, C] in front of MLPs and mergers have a step
 * for each of their W columns, as the reference code's, which takes the last axis but one for the tokens. Relative position biases and the
 * shift mask are added to the scores in float32.
 *
 * @throws as `quantizedLayers`.
 */
export function quantizedSwinLayers(
  config: SwinConfig,
  design: QuantizedDesign,
  parameters: NamedTensors,
  buffers: NamedTensors,
  { merged }: QuantizedHooks = {},
): SwinLayers<Tensor> {
  const resolved = layerBits(config, design);
  const bits = (layer: string): LayerBits => resolved.get(layer)!;
  const { weights, attention } = design;
  const inputs = swinInputs(parameters);

  return {
    embed: (images, { proj, norm, channels, imageSize, patchSize, eps }) =>
      tidy(() => {
        requireImages(images, { channels, imageSize });
        const patches = qPatchEmbed(images, parameters, buffers, { prefix: proj, bits: bits(proj) });
        const side = imageSize / patchSize;
        const map = [images.shape[0]!, side, side, patches.shape[2]!];
        return reshape(inputs.normed(patches, norm, eps), map);
      }),
    attention: (x, { norm, attn, heads, eps, window }) =>
      tidy(() => {
        const spec = { attn, heads, weights, attention, bits: bits(attn), proj: bits(`${attn}.proj`) };
        const hook = merged && { merged: (product: Tensor) => merged(product, attn) };
        // LayerNorm and the sum with x go token by token, so that both fit between the two orders of them.
        const residual = intoWindows(x, window);
        const options = { residual, mask: inputs.mask(window), ...hook };
        const attended = qAttention(inputs.normed(residual, norm, eps), parameters, spec, options);
        return outOfWindows(attended, window);
      }),
    mlp: (x, { norm, mlp, eps }) =>
      tidy(() => {
        const spec = { prefix: mlp, fc1: bits(`${mlp}.fc1`), fc2: bits(`${mlp}.fc2`), weights };
        return qMlp(inputs.normed(x, norm, eps), parameters, spec, x);
      }),
    merge: (x, at) =>
      tidy(() => {
        const prefix = at.reduction;
        return qLinear(inputs.merged(x, at), parameters, {
          prefix,
          bits: bits(prefix),
          signed: true,
          weights,
        });
      }),
    head: (x, { norm, head, eps }) =>
      tidy(() => qHead(inputs.features(x, norm, eps), parameters, { prefix: head, bits: bits(head) })),
  };
}

/** What reaches the quantizers of a Swin Transformer's layers. */
export function swinInputs(parameters: NamedTensors) {
  const { get, affine } = namedParameters(parameters);
  const normed = (x: Tensor, norm: string, eps: number): Tensor => {
    const { weight, bias } = affine(norm);
    return layerNorm(x, weight, bias, eps);
  };
  return {
    normed,
    /** What is added to the scores of windows, [R, heads, size², size²]. */
    mask(window: WindowSpec): Tensor {
      const bias = windowBias(get(window.bias), window);
      return bias.rank === 4 ? bias : reshape(bias, [1, ...bias.shape]);
    },
    merged: (x: Tensor, { norm, side, eps }: MergeSpec): Tensor => normed(mergedTokens(x, side), norm, eps),
    features: (x: Tensor, norm: string, eps: number): Tensor => mean(normed(x, norm, eps), [1, 2]),
  };
}
