import { attentionBlock, layerNorm, linear, mlpBlock, type NamedTensors } from '@proj/ops';
import { mean, reshape, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { namedParameters } from './named-parameters.ts';
import { patchTokens } from './patch-tokens.ts';
import type { SwinLayers } from './swin-layers.ts';
import { intoWindows, mergedTokens, outOfWindows, windowBias } from './window-tensors.ts';

/**
 * A Swin Transformer's layers in float32 on tfjs tensors, differentiable with respect to the images and every parameter. What is
 * said of `floatLayers` holds for them: each leaves one tensor, and the parameters are read, never disposed.
 *
 * Buffers among the parameters (`relative_position_index`) are not read: they follow from the size of the window.
 *
 * @throws {VitError} from a layer: `VIT_PARAMETER_MISSING` naming the parameter; `VIT_INPUT_SHAPE` for images of
 * another size. Parameters of another shape are refused by `@proj/ops` (`OPS_SHAPE_MISMATCH`).
 */
export function floatSwinLayers(parameters: NamedTensors): SwinLayers<Tensor> {
  const named = namedParameters(parameters);
  const { get, affine } = named;

  return {
    embed: (images, at) =>
      tidy(() => {
        const { weight, bias } = affine(at.norm);
        const tokens = layerNorm(patchTokens(images, at, named), weight, bias, at.eps);
        const side = at.imageSize / at.patchSize;
        return reshape(tokens, [images.shape[0]!, side, side, weight.size]);
      }),
    attention: (x, { norm, attn, heads, eps, window }) =>
      tidy(() => {
        // LayerNorm and the sum with x go token by token, so that the whole branch fits between the two orders of them.
        const layers = { norm: affine(norm), qkv: affine(`${attn}.qkv`), proj: affine(`${attn}.proj`) };
        const bias = windowBias(get(window.bias), window);
        return outOfWindows(attentionBlock(intoWindows(x, window), layers, heads, eps, bias), window);
      }),
    mlp: (x, { norm, mlp, eps }) =>
      mlpBlock(x, { norm: affine(norm), fc1: affine(`${mlp}.0`), fc2: affine(`${mlp}.3`) }, eps),
    merge: (x, { norm, reduction, eps, side }) =>
      tidy(() => {
        const { weight, bias } = affine(norm);
        const merged = mergedTokens(x, side);
        return linear(layerNorm(merged, weight, bias, eps), get(`${reduction}.weight`));
      }),
    head: (x, { norm, head, eps }) =>
      tidy(() => {
        const { weight, bias } = affine(norm);
        const last = affine(head);
        return linear(mean(layerNorm(x, weight, bias, eps), [1, 2]), last.weight, last.bias);
      }),
  };
}
