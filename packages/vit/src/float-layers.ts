import { attentionBlock, layerNorm, linear, mlpBlock, type NamedTensors, patchify } from '@proj/ops';
import { add, concat, div, reshape, slice, type Tensor, tidy, tile } from '@tensorflow/tfjs-core';
import { VitError } from './error.ts';
import type { VitLayers } from './layers.ts';

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
  const get = (name: string): Tensor => {
    const parameter = parameters.get(name);
    if (parameter !== undefined) return parameter;
    throw new VitError(
      'VIT_PARAMETER_MISSING',
      `there is no parameter ${name} among the ${parameters.size} given; checkParameters() lists all that differ.`,
    );
  };
  const affine = (prefix: string) => ({ weight: get(`${prefix}.weight`), bias: get(`${prefix}.bias`) });
  const dense = (x: Tensor, prefix: string) => linear(x, get(`${prefix}.weight`), get(`${prefix}.bias`));

  return {
    embed: (images, { proj, patchSize, channels, imageSize, tokens, position }) =>
      tidy(() => {
        const [batch, ...size] = images.shape;
        if (images.rank !== 4 || size[0] !== channels || size[1] !== imageSize || size[2] !== imageSize) {
          throw new VitError(
            'VIT_INPUT_SHAPE',
            `images are [${images.shape}], expected [B, ${channels}, ${imageSize}, ${imageSize}]; preprocess() makes such input.`,
          );
        }
        const weight = get(`${proj}.weight`);
        const kernel = reshape(weight, [weight.shape[0]!, weight.size / weight.shape[0]!]);
        const patches = linear(patchify(images, patchSize), kernel, get(`${proj}.bias`));
        const prefix = tokens.map((name) => tile(get(name), [batch!, 1, 1]));
        return add(concat([...prefix, patches], 1), get(position));
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
        const [batch, , width] = x.shape as [number, number, number];
        // LayerNorm works token by token, so the other tokens need none.
        const { weight, bias } = affine(norm);
        const logits = heads.map(({ head, token }) => {
          const chosen = reshape(slice(x, [0, token, 0], [batch, 1, width]), [batch, width]);
          return dense(layerNorm(chosen, weight, bias, eps), head);
        });
        return div(logits.reduce(add), logits.length);
      }),
  };
}
