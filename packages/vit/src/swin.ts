import { checkSwinConfig, type SwinConfig, swinStages } from './swin-config.ts';
import type { SwinLayers, WindowSpec } from './swin-layers.ts';

/**
 * The forward pass of a Swin Transformer (Liu et al. 2021): normalised images [B, channels, imageSize, imageSize] to logits
 * [B, classes], named as in torchvision. No block is dropped: it computes what torchvision's model does in evaluation.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function swin<V>(config: SwinConfig, layers: SwinLayers<V>, images: V): V {
  checkSwinConfig(config);
  const { imageSize, patchSize, channels, windowSize: size, layerNormEps: eps } = config;
  let x = layers.embed(images, {
    proj: 'features.0.0',
    norm: 'features.0.2',
    patchSize,
    channels,
    imageSize,
    eps,
  });
  for (const { blocks, merge, side, depth, heads } of swinStages(config)) {
    for (let i = 0; i < depth; i++) {
      const block = `${blocks}.${i}`;
      const attn = `${block}.attn`;
      const window: WindowSpec = {
        side,
        size,
        // A window that is the whole map has nowhere to go.
        shift: i % 2 === 1 && size < side ? Math.floor(size / 2) : 0,
        bias: `${attn}.relative_position_bias_table`,
      };
      x = layers.attention(x, { norm: `${block}.norm1`, attn, heads, eps, window });
      x = layers.mlp(x, { norm: `${block}.norm2`, mlp: `${block}.mlp`, eps });
    }
    if (merge !== undefined) {
      x = layers.merge(x, { norm: `${merge}.norm`, reduction: `${merge}.reduction`, eps, side });
    }
  }
  return layers.head(x, { norm: 'norm', head: 'head', eps });
}
