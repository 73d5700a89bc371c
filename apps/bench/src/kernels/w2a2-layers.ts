import { layerNorm, type NamedTensors } from '@proj/ops';
import type { VitConfig, VitLayers } from '@proj/vit';
import {
  add,
  concat,
  div,
  fill,
  mul,
  reshape,
  slice,
  type Tensor,
  tidy,
  tile,
  zeros,
} from '@tensorflow/tfjs-core';
import { parameterOf, quantizedParts } from './quantized-parts.ts';

/** The layers of an OFQ model with QKR on tfjs tensors: weights and activations of `bits` bits, 8 in patch embedding and heads. */
export function quantizedLayers(parameters: NamedTensors, bits: number): VitLayers<Tensor> {
  const get = parameterOf(parameters);
  const parts = quantizedParts(get, bits);
  const norm = (x: Tensor, prefix: string, eps: number) =>
    layerNorm(x, get(`${prefix}.weight`), get(`${prefix}.bias`), eps);

  return {
    embed: (images, { proj, patchSize, tokens, position }) =>
      tidy(() => {
        const prefix = tokens.map((name) => tile(get(name), [images.shape[0]!, 1, 1]));
        return add(concat([...prefix, parts.patches(images, proj, patchSize)], 1), get(position));
      }),
    attention: (x, { norm: before, attn, heads, eps }) =>
      tidy(() => parts.attention(norm(x, before, eps), attn, heads, x)),
    mlp: (x, { norm: before, mlp, eps }) => tidy(() => parts.mlp(norm(x, before, eps), mlp, x)),
    head: (x, { norm: before, heads, eps }) =>
      tidy(() => {
        const [batch, , width] = x.shape as [number, number, number];
        const logits = heads.map(({ head, token }) => {
          const features = reshape(slice(x, [0, token, 0], [batch, 1, width]), [batch, width]);
          return parts.head(norm(features, before, eps), head);
        });
        return div(logits.reduce(add), logits.length);
      }),
  };
}

/**
 * Parameters of such a model around a float one's, for timing: latent weights are copies of the float model's (query and key without
 * their biases), offsets start at 0, steps at about the size that the quantized values have in a fresh model.
 */
export function quantizedParameters(config: VitConfig, float: NamedTensors): Map<string, Tensor> {
  const { embedDim: width, heads, channels, imageSize } = config;
  const get = parameterOf(float);
  const tokens = get('pos_embed').shape[1]!;
  // What a fresh layer makes of normalised tokens, its weights being of deviation 0.02.
  const spread = 0.02 * Math.sqrt(width);
  const parameters = new Map<string, Tensor>();
  const steps = (name: string, size: number, value = 1): void => {
    parameters.set(name, fill([size], value));
  };
  const offsets = (before: string, after: string, size: number): void => {
    parameters.set(`${before}.bias`, zeros([size]));
    parameters.set(`${after}.bias`, zeros([size]));
  };
  const input = (prefix: string, stepCount: number, size: number, step?: number): void => {
    steps(`${prefix}.input_quant_fn.s`, stepCount, step);
    offsets(`${prefix}.move_b4`, `${prefix}.move_aft`, size);
  };
  for (const [name, tensor] of float) {
    if (!name.includes('.qkv.')) parameters.set(name, mul(tensor, 1));
  }
  input('patch_embed.proj', channels, imageSize ** 2, 1 / 64);
  steps('patch_embed.proj.lsqw_fn.s', width, 1 / 1024);
  for (let i = 0; i < config.depth; i++) {
    const attn = `blocks.${i}.attn`;
    ['q', 'k', 'v'].forEach((name, part) => {
      parameters.set(
        `${attn}.${name}.weight`,
        slice(get(`${attn}.qkv.weight`), [part * width, 0], [width, width]),
      );
    });
    parameters.set(`${attn}.v.bias`, slice(get(`${attn}.qkv.bias`), [2 * width], [width]));
    input(`${attn}.quant_x_4_qkv`, tokens, width);
    steps(`${attn}.quan_a_qkx_fn.s`, tokens * heads, 0.02 * Math.sqrt(width / heads) * spread);
    offsets(`${attn}.move_qkx_b4`, `${attn}.move_qkx_aft`, heads * width);
    steps(`${attn}.quan_a_v_fn.s`, width, spread);
    offsets(`${attn}.move_v_b4`, `${attn}.move_v_aft`, width);
    steps(`${attn}.quan_a_softmax_fn.s`, tokens, 1 / tokens);
    input(`${attn}.proj`, tokens, width, spread / Math.sqrt(tokens));
    input(`blocks.${i}.mlp.fc1`, tokens, width);
    input(`blocks.${i}.mlp.fc2`, tokens, get(`blocks.${i}.mlp.fc2.weight`).shape[1]!, spread / 2);
  }
  for (const head of config.distilled ? ['head', 'head_dist'] : ['head']) {
    input(head, 1, width, 1 / 64);
    steps(`${head}.lsqw_fn.s`, get(`${head}.weight`).shape[0]!, 1 / 2048);
  }
  return parameters;
}
