import { attentionBlock, layerNorm, linear, mlpBlock, type NamedTensors } from '@proj/ops';
import { add, concat, div, reshape, slice, type Tensor, tidy, tile } from '@tensorflow/tfjs-core';
import type { VitLayers } from './layers.ts';
import { namedParameters } from './named-parameters.ts';
import { patchTokens } from './patch-tokens.ts';

/**
 * The layers in float32 on tfjs tensors, differentiable with respect to the images and every parameter.
 *
 * Each layer leaves one tensor, its result; call `vit` in `tf.tidy` (or in a gradient function) to free those between
 * the layers. The parameters are read, never disposed.
 *
 * @throws {VitError} from a layer: `VIT_PARAMETER_MISSING` naming the parameter; `VIT_INPUT_SHAPE` for images of
 * another size. Parameters of another shape are refused by `@proj/ops` (`OPS_SHAPE_MISMATCH`).
 */
export function floatLayers(parameters: NamedTensors): VitLayers<Tensor> {
  const named = namedParameters(parameters);
  const { get, affine } = named;

  return {
    embed: (images, at) =>
      tidy(() => {
        const patches = patchTokens(images, at, named);
        const prefix = at.tokens.map((name) => tile(get(name), [images.shape[0]!, 1, 1]));
        return add(concat([...prefix, patches], 1), get(at.position));
      }),
    attention: (x, { norm, attn, heads, eps }) =>
      attentionBlock(
        x,
        { norm: affine(norm), qkv: affine(`${attn}.qkv`), proj: affine(`${attn}.proj`) },
        heads,
        eps,
      ),
    mlp: (x, { norm, mlp, eps }) =>
      mlpBlock(x, { norm: affine(norm), fc1: affine(`${mlp}.fc1`), fc2: affine(`${mlp}.fc2`) }, eps),
    head: (x, { norm, heads, eps }) =>
      tidy(() => {
        // LayerNorm works token by token, so the other tokens need none.
        const { weight, bias } = affine(norm);
        const logits = heads.map(({ head, token }) => {
          const last = affine(head);
          return linear(layerNorm(tokenFeatures(x, token), weight, bias, eps), last.weight, last.bias);
        });
        return div(logits.reduce(add), logits.length);
      }),
  };
}

/** One token of each image: [B, N, C] -> [B, C]. */
export function tokenFeatures(x: Tensor, token: number): Tensor {
  const [batch, , width] = x.shape as [number, number, number];
  return reshape(slice(x, [0, token, 0], [batch, 1, width]), [batch, width]);
}
