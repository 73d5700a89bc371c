import { gelu, layerNorm, type NamedTensors } from '@proj/ops';
import { type Bits, lsqFeatures } from '@proj/quant-stats';
import { add, mean, reshape, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { namedParameters } from '../named-parameters.ts';
import type { SwinConfig } from '../swin-config.ts';
import type { SwinLayers } from '../swin-layers.ts';
import { intoWindows, mergedTokens, outOfWindows, windowBias } from '../window-tensors.ts';
import { layerBits, type QuantizedDesign } from './design.ts';
import { frozenAffine, frozenAttention, frozenLinear } from './frozen-attention.ts';
import { frozenPatches } from './frozen-layers.ts';

/**
 * The layers of an unpacked Swin Transformer; what is said of `frozenLayers` holds.
 *
 * @throws as `quantizedSwinLayers`.
 */
export function frozenSwinLayers(
  config: SwinConfig,
  design: QuantizedDesign,
  parameters: NamedTensors,
  buffers: NamedTensors,
): SwinLayers<Tensor> {
  const resolved = layerBits(config, design);
  const { attention } = design;
  const { get, affine } = namedParameters(parameters);
  const activation = (layer: string): Bits => resolved.get(layer)!.activation;
  const normed = (x: Tensor, norm: string, eps: number): Tensor => {
    const { weight, bias } = affine(norm);
    return layerNorm(x, weight, bias, eps);
  };

  return {
    embed: (images, { proj, norm, channels, imageSize, patchSize, eps }) =>
      tidy(() => {
        const at = { proj, channels, imageSize, patchSize };
        const patches = frozenPatches(images, parameters, buffers, at, activation(proj));
        const side = imageSize / patchSize;
        return reshape(normed(patches, norm, eps), [images.shape[0]!, side, side, patches.shape[2]!]);
      }),
    attention: (x, { norm, attn, heads, eps, window }) =>
      tidy(() => {
        const [bits, proj] = [resolved.get(attn)!, resolved.get(`${attn}.proj`)!];
        const residual = intoWindows(x, window);
        const options = { residual, mask: windowBias(get(window.bias), window) };
        const spec = { attn, heads, attention, bits, proj };
        const attended = frozenAttention(normed(residual, norm, eps), parameters, spec, options);
        return outOfWindows(attended, window);
      }),
    mlp: (x, { norm, mlp, eps }) =>
      tidy(() => {
        const [fc1, fc2] = [`${mlp}.fc1`, `${mlp}.fc2`];
        const hidden = gelu(frozenLinear(normed(x, norm, eps), parameters, fc1, activation(fc1)));
        return add(x, frozenLinear(hidden, parameters, fc2, activation(fc2), false));
      }),
    merge: (x, { norm, reduction, side, eps }) =>
      tidy(() => {
        const input = normed(mergedTokens(x, side), norm, eps);
        return frozenLinear(input, parameters, reduction, activation(reduction));
      }),
    head: (x, { norm, head, eps }) =>
      tidy(() => {
        const features = mean(normed(x, norm, eps), [1, 2]);
        return frozenAffine(features, parameters, head, lsqFeatures(activation(head)));
      }),
  };
}
