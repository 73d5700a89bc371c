import { checkConfig, type VitConfig } from './config.ts';
import type { VitLayers } from './layers.ts';

/**
 * The forward pass of a ViT or DeiT: normalised images [B, channels, imageSize, imageSize] to logits [B, classes].
 *
 * Pre-norm blocks as in Dosovitskiy et al. 2021, named as in timm. A distilled model's logits are the mean of its two
 * heads, as DeiT evaluates (Touvron et al. 2021, section 5.2).
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function vit<V>(config: VitConfig, layers: VitLayers<V>, images: V): V {
  return layers.head(encode(config, layers, images), { ...finalNorm(config), heads: heads(config) });
}

/**
 * The same forward pass with the logits [B, classes] of every head by itself: [cls], or [cls, dist] when distilled,
 * which is what training with a distillation loss needs.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function vitOutputs<V>(config: VitConfig, layers: VitLayers<V>, images: V): V[] {
  const tokens = encode(config, layers, images);
  return heads(config).map((head) => layers.head(tokens, { ...finalNorm(config), heads: [head] }));
}

/** Images to the tokens [B, N, C] after the last block, before the final LayerNorm. */
function encode<V>(config: VitConfig, layers: VitLayers<V>, images: V): V {
  checkConfig(config);
  const { imageSize, patchSize, channels, layerNormEps: eps } = config;
  let x = layers.embed(images, {
    proj: 'patch_embed.proj',
    patchSize,
    channels,
    imageSize,
    tokens: config.distilled ? ['cls_token', 'dist_token'] : ['cls_token'],
    position: 'pos_embed',
  });
  for (let i = 0; i < config.depth; i++) {
    const block = `blocks.${i}`;
    x = layers.attention(x, { norm: `${block}.norm1`, attn: `${block}.attn`, heads: config.heads, eps });
    x = layers.mlp(x, { norm: `${block}.norm2`, mlp: `${block}.mlp`, eps });
  }
  return x;
}

function finalNorm(config: VitConfig) {
  return { norm: 'norm', eps: config.layerNormEps };
}

function heads(config: VitConfig) {
  const cls = { head: 'head', token: 0 };
  return config.distilled ? [cls, { head: 'head_dist', token: 1 }] : [cls];
}
