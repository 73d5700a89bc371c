import { layerNorm, type NamedTensors } from '@proj/ops';
import {
  initQHead,
  initQMlp,
  initQPatchEmbed,
  type LayerBits,
  qHead,
  qMlp,
  qPatchEmbed,
} from '@proj/quant-stats';
import { add, concat, div, type Tensor, tidy, tile } from '@tensorflow/tfjs-core';
import type { VitConfig } from '../config.ts';
import { tokenFeatures } from '../float-layers.ts';
import type { VitLayers } from '../layers.ts';
import { namedParameters } from '../named-parameters.ts';
import { requireImages } from '../patch-tokens.ts';
import { qAttention } from './attention.ts';
import { layerBits, type QuantizedDesign } from './design.ts';
import { type Prepare, prepared } from './prepare.ts';

/** Where a training may step into the forward pass. */
export interface QuantizedHooks {
  /** What QKR quantizes in place of the product W_qᵀ W_k [heads C, C] of the attention `attn`: CGA's `frozenGradient`, for example. */
  readonly merged?: (product: Tensor, attn: string) => Tensor;
}

/**
 * The layers of a quantized ViT or DeiT on tfjs tensors: weights and activations on their levels, float32, differentiable with respect
 * to the images and every parameter (OFQ, Liu et al. 2023; straight through StatsQ's and LSQ's roundings).
 *
 * What is said of `floatLayers` holds: a layer leaves one tensor, and parameters and buffers are read, never disposed. The same in
 * training and evaluation. With the kernels of `@proj/wasm-kernels` an attention with QKR and an MLP are one step of the tape each, where
 * weights are StatsQ's.
 *
 * @throws {QuantStatsError} `QS_BIT_PLAN_INVALID`; from a layer {QuantStatsError}, {QkrError} or {VitError} naming a parameter that is
 * missing or misshapen, and `VIT_INPUT_SHAPE` for images of another size.
 */
export function quantizedLayers(
  config: VitConfig,
  design: QuantizedDesign,
  parameters: NamedTensors,
  buffers: NamedTensors,
  hooks: QuantizedHooks = {},
): VitLayers<Tensor> {
  return preparedLayers(config, design, parameters, buffers, hooks, prepared);
}

/** The same, with every layer prepared before it computes. */
export function preparedLayers(
  config: VitConfig,
  design: QuantizedDesign,
  parameters: NamedTensors,
  buffers: NamedTensors,
  { merged }: QuantizedHooks,
  prepare: Prepare,
): VitLayers<Tensor> {
  const resolved = layerBits(config, design);
  const bits = (layer: string): LayerBits => resolved.get(layer)!;
  const { weights, attention } = design;
  const { get, affine } = namedParameters(parameters);
  const normed = (x: Tensor, norm: string, eps: number): Tensor => {
    const { weight, bias } = affine(norm);
    return layerNorm(x, weight, bias, eps);
  };

  return {
    embed: (images, at) =>
      tidy(() => {
        requireImages(images, at);
        const spec = { prefix: at.proj, bits: bits(at.proj) };
        prepare(() => {
          const initial = initQPatchEmbed(images, parameters, spec);
          return new Map([...initial.parameters, ...initial.buffers]);
        });
        const patches = qPatchEmbed(images, parameters, buffers, spec);
        const prefix = at.tokens.map((name) => tile(get(name), [images.shape[0]!, 1, 1]));
        return add(concat([...prefix, patches], 1), get(at.position));
      }),
    attention: (x, { norm, attn, heads, eps }) =>
      tidy(() => {
        const spec = { attn, heads, weights, attention, bits: bits(attn), proj: bits(`${attn}.proj`) };
        const hook = merged && { merged: (product: Tensor) => merged(product, attn) };
        return qAttention(normed(x, norm, eps), parameters, spec, { residual: x, ...hook }, prepare);
      }),
    mlp: (x, { norm, mlp, eps }) =>
      tidy(() => {
        const spec = { prefix: mlp, fc1: bits(`${mlp}.fc1`), fc2: bits(`${mlp}.fc2`), weights };
        const input = normed(x, norm, eps);
        prepare(() => initQMlp(input, parameters, spec));
        return qMlp(input, parameters, spec, x);
      }),
    head: (x, { norm, heads, eps }) =>
      tidy(() => {
        const logits = heads.map(({ head, token }) => {
          const spec = { prefix: head, bits: bits(head) };
          const features = normed(tokenFeatures(x, token), norm, eps);
          prepare(() => initQHead(features, parameters, spec));
          return qHead(features, parameters, spec);
        });
        return div(logits.reduce(add), logits.length);
      }),
  };
}
