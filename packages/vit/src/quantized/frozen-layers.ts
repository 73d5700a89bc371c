import { gelu, layerNorm, type NamedTensors } from '@proj/ops';
import { type Bits, imageIsSigned, lsqFeatures, lsqImage, lsqInput } from '@proj/quant-stats';
import { add, concat, div, type Tensor, tidy, tile } from '@tensorflow/tfjs-core';
import type { VitConfig } from '../config.ts';
import { tokenFeatures } from '../float-layers.ts';
import type { EmbedSpec, VitLayers } from '../layers.ts';
import { namedParameters } from '../named-parameters.ts';
import { patchTokens, requireImages } from '../patch-tokens.ts';
import { layerBits, type QuantizedDesign } from './design.ts';
import { frozenAffine, frozenAttention, frozenLinear } from './frozen-attention.ts';

/**
 * The layers of an unpacked ViT or DeiT: activations are quantized as in training, weights are used as they are, since they lie on their
 * levels already. Logits are those of the latent model that was packed.
 *
 * @param parameters of `unpackModel`, on a backend.
 * @throws as `quantizedLayers`.
 */
export function frozenLayers(
  config: VitConfig,
  design: QuantizedDesign,
  parameters: NamedTensors,
  buffers: NamedTensors,
): VitLayers<Tensor> {
  const resolved = layerBits(config, design);
  const { attention } = design;
  const { get, affine } = namedParameters(parameters);
  const activation = (layer: string): Bits => resolved.get(layer)!.activation;
  const normed = (x: Tensor, norm: string, eps: number): Tensor => {
    const { weight, bias } = affine(norm);
    return layerNorm(x, weight, bias, eps);
  };

  return {
    embed: (images, at) =>
      tidy(() => {
        const patches = frozenPatches(images, parameters, buffers, at, activation(at.proj));
        const prefix = at.tokens.map((name) => tile(get(name), [images.shape[0]!, 1, 1]));
        return add(concat([...prefix, patches], 1), get(at.position));
      }),
    attention: (x, { norm, attn, heads, eps }) =>
      tidy(() => {
        const [bits, proj] = [resolved.get(attn)!, resolved.get(`${attn}.proj`)!];
        const spec = { attn, heads, attention, bits, proj };
        return frozenAttention(normed(x, norm, eps), parameters, spec, { residual: x });
      }),
    mlp: (x, { norm, mlp, eps }) =>
      tidy(() => {
        const [fc1, fc2] = [`${mlp}.fc1`, `${mlp}.fc2`];
        const hidden = gelu(frozenLinear(normed(x, norm, eps), parameters, fc1, activation(fc1)));
        return add(x, frozenLinear(hidden, parameters, fc2, activation(fc2), false));
      }),
    head: (x, { norm, heads, eps }) =>
      tidy(() => {
        const logits = heads.map(({ head, token }) => {
          const features = normed(tokenFeatures(x, token), norm, eps);
          return frozenAffine(features, parameters, head, lsqFeatures(activation(head)));
        });
        return div(logits.reduce(add), logits.length);
      }),
  };
}

/** Images to projected patches [B, N, C]; signed where the flag says so, or these very images have negative values. */
export function frozenPatches(
  images: Tensor,
  parameters: NamedTensors,
  buffers: NamedTensors,
  at: Pick<EmbedSpec, 'proj' | 'patchSize' | 'channels' | 'imageSize'>,
  bits: Bits,
): Tensor {
  requireImages(images, at);
  const named = namedParameters(parameters);
  const flag = namedParameters(buffers).get(`${at.proj}.input_quant_fn.signed`);
  const signed = flag.dataSync()[0] !== 0 || imageIsSigned(images, named.get(`${at.proj}.move_b4.bias`));
  const input = lsqInput(images, parameters, { prefix: at.proj, quantizer: lsqImage(bits, signed) });
  return patchTokens(input, at, named);
}
