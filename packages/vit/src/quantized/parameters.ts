import { isSwin, tokenCount, type VitConfig } from '../config.ts';
import type { ParameterSpec } from '../named-shapes.ts';
import { vitParameters } from '../parameters.ts';
import type { SwinConfig } from '../swin-config.ts';
import { layerBits, type QuantizedDesign } from './design.ts';
import { attentionParameters, layerParameters } from './layer-parameters.ts';
import { quantizedSwinParameters } from './swin-parameters.ts';

/**
 * Every parameter of a quantized model, with names, shapes and order of the reference code's checkpoints: a float one's, and beside each
 * weight what its quantizers learn. QKR takes `qkv` apart into `q`, `k` and `v`, of which only `v` has a bias.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`; `QuantStatsError` `QS_BIT_PLAN_INVALID`.
 */
export function quantizedParameters(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
): ParameterSpec[] {
  layerBits(config, design);
  return isSwin(config) ? quantizedSwinParameters(config, design) : quantizedVitParameters(config, design);
}

/**
 * What a quantized model knows beside its parameters and does not train: whether its images have negative values, 0 or 1.
 *
 * @throws as {@link quantizedParameters}.
 */
export function quantizedBuffers(config: VitConfig | SwinConfig, design: QuantizedDesign): ParameterSpec[] {
  layerBits(config, design);
  return [{ name: `${embeddingOf(config)}.input_quant_fn.signed`, shape: [1] }];
}

/** Prefix of the patch projection. */
export const embeddingOf = (config: VitConfig | SwinConfig): string =>
  isSwin(config) ? 'features.0.0' : 'patch_embed.proj';

function quantizedVitParameters(config: VitConfig, design: QuantizedDesign): ParameterSpec[] {
  const { embedDim: width, heads, channels, imageSize } = config;
  const tokens = tokenCount(config);
  return vitParameters(config).flatMap((parameter) => {
    const { name, shape } = parameter;
    const [, layer, part] = /^(.*(?:proj|qkv|fc1|fc2|head|head_dist))\.(weight|bias)$/.exec(name) ?? [];
    if (layer === undefined) return [parameter];
    // What a layer has in all stands where its first parameter stood.
    if (part === 'bias' || layer.endsWith('.attn.proj')) return [];
    if (layer.endsWith('.qkv')) {
      return attentionParameters(layer.slice(0, -'.qkv'.length), { tokens, width, heads }, design);
    }
    if (layer === embeddingOf(config)) {
      return layerParameters(layer, shape, { steps: channels, offsets: imageSize ** 2, lsq: true });
    }
    const isHead = layer.startsWith('head');
    const lsq = isHead || design.weights !== 'statsq';
    return layerParameters(layer, shape, { steps: isHead ? 1 : tokens, lsq });
  });
}
