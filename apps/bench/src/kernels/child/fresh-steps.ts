import type { VitConfig } from '@proj/vit';
import { fill, type Tensor } from '@tensorflow/tfjs-core';

/**
 * Sets the steps of a quantized model that was never trained to about the size of its quantized values. Every engine then has the same
 * ones to the last bit, so that first losses agree; calibrated ones differ by an engine's roundings, which two bits magnify.
 */
export function setFreshSteps(
  { embedDim, heads, imageSize, patchSize }: VitConfig,
  parameters: Map<string, Tensor>,
): void {
  const tokens = (imageSize / patchSize) ** 2 + 1;
  // What a fresh layer makes of normalised tokens, its weights being of deviation 0.02.
  const spread = 0.02 * Math.sqrt(embedDim);
  const sizes: readonly (readonly [RegExp, number])[] = [
    [/^patch_embed\.proj\.lsqw_fn/, 1 / 1024],
    [/^head.*\.lsqw_fn/, 1 / 2048],
    [/^(patch_embed|head)/, 1 / 64],
    [/\.quan_a_qkx_fn/, 0.02 * Math.sqrt(embedDim / heads) * spread],
    [/\.quan_a_v_fn/, spread],
    [/\.quan_a_softmax_fn/, 1 / tokens],
    [/\.attn\.proj\./, spread / Math.sqrt(tokens)],
    [/\.mlp\.fc2\./, spread / 2],
  ];
  for (const [name, old] of parameters) {
    if (!name.endsWith('.s')) continue;
    const size = sizes.find(([pattern]) => pattern.test(name))?.[1] ?? 1;
    parameters.set(name, fill(old.shape, size));
    old.dispose();
  }
}
