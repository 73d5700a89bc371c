import { attentionPacked, gelu, layerNorm, type NamedTensors, patchify } from '@proj/ops';
import type { VitLayers } from '@proj/vit/forward';
import {
  add,
  concat,
  div,
  matMul,
  reshape,
  slice,
  type Tensor,
  tidy,
  tile,
  transpose,
} from '@tensorflow/tfjs-core';

/**
 * Consumes PyTorch's. Weights as tfjs programs keep them, [in, out]: then tfjs-wasm's fast product serves the forward pass, where a weight [out, in]
 * would take its slow one for transposed operands.
 */
export function stockParameters(parameters: NamedTensors): Map<string, Tensor> {
  return new Map(
    [...parameters].map(([name, parameter]) => {
      if (!name.endsWith('.weight') || parameter.rank < 2) return [name, parameter];
      const outputs = parameter.shape[0]!;
      const stored = tidy(() => transpose(reshape(parameter, [outputs, parameter.size / outputs])));
      parameter.dispose();
      return [name, stored];
    }),
  );
}

/**
 * The layers of a ViT for a tfjs without our kernels, as favourable to it as we know how: the operations of `@proj/ops` in their composed
 * form, with gradients written out, around tfjs's own product with weights [in, out].
 */
export function stockLayers(parameters: NamedTensors): VitLayers<Tensor> {
  const get = (name: string): Tensor => parameters.get(name)!;
  const norm = (x: Tensor, prefix: string, eps: number) =>
    layerNorm(x, get(`${prefix}.weight`), get(`${prefix}.bias`), eps);
  const dense = (x: Tensor, prefix: string): Tensor => {
    const inputs = x.shape.at(-1)!;
    const rows = reshape(x, [x.size / inputs, inputs]);
    const y = add(matMul(rows, get(`${prefix}.weight`)), get(`${prefix}.bias`));
    return reshape(y, [...x.shape.slice(0, -1), y.shape[1]!]);
  };
  return {
    embed: (images, { proj, patchSize, tokens, position }) =>
      tidy(() => {
        const patches = dense(patchify(images, patchSize), proj);
        const prefix = tokens.map((name) => tile(get(name), [images.shape[0]!, 1, 1]));
        return add(concat([...prefix, patches], 1), get(position));
      }),
    attention: (x, { norm: before, attn, heads, eps }) =>
      tidy(() => {
        const qkv = dense(norm(x, before, eps), `${attn}.qkv`);
        return add(x, dense(attentionPacked(qkv, heads, 1 / Math.sqrt(x.shape[2]! / heads)), `${attn}.proj`));
      }),
    mlp: (x, { norm: before, mlp, eps }) =>
      tidy(() => add(x, dense(gelu(dense(norm(x, before, eps), `${mlp}.fc1`)), `${mlp}.fc2`))),
    head: (x, { norm: before, heads, eps }) =>
      tidy(() => {
        const [batch, , width] = x.shape as [number, number, number];
        const logits = heads.map(({ head, token }) =>
          dense(norm(reshape(slice(x, [0, token, 0], [batch, 1, width]), [batch, width]), before, eps), head),
        );
        return div(logits.reduce(add), logits.length);
      }),
  };
}
