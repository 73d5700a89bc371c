import { layerNorm, type NamedTensors } from '@proj/ops';
import {
  initQHead,
  initQLinear,
  initQMlp,
  initQPatchEmbed,
  type LayerBits,
  qHead,
  qLinear,
  qMlp,
  qPatchEmbed,
} from '@proj/quant-stats';
import { mean, reshape, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { namedParameters } from '../named-parameters.ts';
import { requireImages } from '../patch-tokens.ts';
import type { SwinConfig } from '../swin-config.ts';
import type { SwinLayers } from '../swin-layers.ts';
import { intoWindows, mergedTokens, outOfWindows, windowBias } from '../window-tensors.ts';
import { qAttention } from './attention.ts';
import { layerBits, type QuantizedDesign } from './design.ts';
import type { QuantizedHooks } from './layers.ts';
import { type Prepare, prepared } from './prepare.ts';

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
  hooks: QuantizedHooks = {},
): SwinLayers<Tensor> {
  return preparedSwinLayers(config, design, parameters, buffers, hooks, prepared);
}

/** The same, with every layer prepared before it computes. */
export function preparedSwinLayers(
  config: SwinConfig,
  design: QuantizedDesign,
  parameters: NamedTensors,
  buffers: NamedTensors,
  { merged }: QuantizedHooks,
  prepare: Prepare,
): SwinLayers<Tensor> {
  const resolved = layerBits(config, design);
  const bits = (layer: string): LayerBits => resolved.get(layer)!;
  const { weights, attention } = design;
  const { get, affine } = namedParameters(parameters);
  const normed = (x: Tensor, norm: string, eps: number): Tensor => {
    const { weight, bias } = affine(norm);
    return layerNorm(x, weight, bias, eps);
  };

  return {
    embed: (images, { proj, norm, channels, imageSize, patchSize, eps }) =>
      tidy(() => {
        requireImages(images, { channels, imageSize });
        const spec = { prefix: proj, bits: bits(proj) };
        prepare(() => {
          const initial = initQPatchEmbed(images, parameters, spec);
          return new Map([...initial.parameters, ...initial.buffers]);
        });
        const tokens = normed(qPatchEmbed(images, parameters, buffers, spec), norm, eps);
        const side = imageSize / patchSize;
        return reshape(tokens, [images.shape[0]!, side, side, tokens.shape[2]!]);
      }),
    attention: (x, { norm, attn, heads, eps, window }) =>
      tidy(() => {
        const spec = { attn, heads, weights, attention, bits: bits(attn), proj: bits(`${attn}.proj`) };
        const hook = merged && { merged: (product: Tensor) => merged(product, attn) };
        // LayerNorm and the sum with x go token by token, so that both fit between the two orders of them.
        const residual = intoWindows(x, window);
        const options = { residual, mask: windowBias(get(window.bias), window), ...hook };
        const attended = qAttention(normed(residual, norm, eps), parameters, spec, options, prepare);
        return outOfWindows(attended, window);
      }),
    mlp: (x, { norm, mlp, eps }) =>
      tidy(() => {
        const spec = { prefix: mlp, fc1: bits(`${mlp}.fc1`), fc2: bits(`${mlp}.fc2`), weights };
        const input = normed(x, norm, eps);
        prepare(() => initQMlp(input, parameters, spec));
        return qMlp(input, parameters, spec, x);
      }),
    merge: (x, { norm, reduction, side, eps }) =>
      tidy(() => {
        const spec = { prefix: reduction, bits: bits(reduction), signed: true, weights };
        const input = normed(mergedTokens(x, side), norm, eps);
        prepare(() => initQLinear(input, parameters, spec));
        return qLinear(input, parameters, spec);
      }),
    head: (x, { norm, head, eps }) =>
      tidy(() => {
        const spec = { prefix: head, bits: bits(head) };
        const features = mean(normed(x, norm, eps), [1, 2]);
        prepare(() => initQHead(features, parameters, spec));
        return qHead(features, parameters, spec);
      }),
  };
}
