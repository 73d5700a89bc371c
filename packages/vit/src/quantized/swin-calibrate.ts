import { initQHead, initQLinear, initQMlp, initQPatchEmbed, type LayerBits } from '@proj/quant-stats';
import type { Tensor } from '@tensorflow/tfjs-core';
import { swin } from '../swin.ts';
import type { SwinConfig } from '../swin-config.ts';
import type { SwinLayers } from '../swin-layers.ts';
import { intoWindows } from '../window-tensors.ts';
import { initQAttention } from './attention.ts';
import { layerBits, type QuantizedDesign } from './design.ts';
import type { StartedParameters } from './started-parameters.ts';
import { quantizedSwinLayers, swinInputs } from './swin-layers.ts';

/** `calibrate` of a Swin Transformer: one pass over `images` that sets all steps of `started`. Call it in `tf.tidy`. */
export function calibrateSwin(
  config: SwinConfig,
  design: QuantizedDesign,
  started: StartedParameters,
  images: Tensor,
): void {
  swin(config, startingLayers(config, design, started), images);
}

/** The quantized layers, each of which sets its steps before it computes. */
function startingLayers(
  config: SwinConfig,
  design: QuantizedDesign,
  started: StartedParameters,
): SwinLayers<Tensor> {
  const { parameters, buffers } = started;
  const resolved = layerBits(config, design);
  const bits = (layer: string): LayerBits => resolved.get(layer)!;
  const { weights, attention } = design;
  const layers = quantizedSwinLayers(config, design, parameters, buffers);
  const inputs = swinInputs(parameters);

  return {
    embed(images, at) {
      const spec = { prefix: at.proj, bits: bits(at.proj) };
      started.set(() => initQPatchEmbed(images, parameters, spec).parameters);
      return layers.embed(images, at);
    },
    attention(x, at) {
      const { norm, attn, heads, eps, window } = at;
      const spec = { attn, heads, weights, attention, bits: bits(attn), proj: bits(`${attn}.proj`) };
      started.set(() => {
        const sequences = inputs.normed(intoWindows(x, window), norm, eps);
        return initQAttention(sequences, parameters, spec, { mask: inputs.mask(window) });
      });
      return layers.attention(x, at);
    },
    mlp(x, at) {
      const { norm, mlp, eps } = at;
      const spec = { prefix: mlp, fc1: bits(`${mlp}.fc1`), fc2: bits(`${mlp}.fc2`), weights };
      started.set(() => initQMlp(inputs.normed(x, norm, eps), parameters, spec));
      return layers.mlp(x, at);
    },
    merge(x, at) {
      const spec = { prefix: at.reduction, bits: bits(at.reduction), signed: true, weights };
      started.set(() => initQLinear(inputs.merged(x, at), parameters, spec));
      return layers.merge(x, at);
    },
    head(x, at) {
      const spec = { prefix: at.head, bits: bits(at.head) };
      started.set(() => initQHead(inputs.features(x, at.norm, at.eps), parameters, spec));
      return layers.head(x, at);
    },
  };
}
