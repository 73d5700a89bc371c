import { type BitPlan, formatBitPlan, type ResolvedBits, resolveBitPlan } from '@proj/quant-stats';
import { isSwin, type VitConfig } from '../config.ts';
import { vitParameters } from '../parameters.ts';
import type { SwinConfig } from '../swin-config.ts';
import { swinParameters } from '../swin-parameters.ts';

/** How a model is quantized: everything that, beside its configuration, its parameters and its forward pass depend on. */
export interface QuantizedDesign {
  /** Bits by parameter-name prefix, e.g. `{ default: 'w2a2', patch_embed: 'w8a8', head: 'w8a8' }`; `head` covers `head_dist` too. */
  readonly plan: BitPlan;
  /** Quantizer of the weights inside the blocks: OFQ's StatsQ, or LSQ and LSQ+ as baselines. The ends have LSQ, as in the paper. */
  readonly weights: 'statsq' | 'lsq' | 'lsq+';
  /** With query-key reparameterization (Liu et al. 2023, section 4.2), or queries and keys each quantized by itself. */
  readonly attention: 'qkr' | 'plain';
}

/** The published plan: blocks of so many bits, patch embedding and heads of 8. */
export function ofqPlan(config: VitConfig | SwinConfig, bits: 2 | 3 | 4): BitPlan {
  const embedding = isSwin(config) ? 'features.0.0' : 'patch_embed';
  return { default: `w${bits}a${bits}`, [embedding]: 'w8a8', head: 'w8a8' };
}

/**
 * The layers of a model that a plan gives bits to, by their names in the quantized model and in the order of the float one: those with a
 * matrix, where `blocks.0.attn` stands for queries, keys and values with all that is quantized before `blocks.0.attn.proj`.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function quantizableLayers(config: VitConfig | SwinConfig): string[] {
  return (isSwin(config) ? swinParameters(config) : vitParameters(config))
    .filter(({ name, shape }) => name.endsWith('.weight') && shape.length > 1)
    .map(({ name }) => quantizedName(name.slice(0, -'.weight'.length)).replace(/\.qkv$/, ''));
}

/**
 * A parameter's or layer's name in the reference code's quantized models: torchvision's, where Swin's MLPs have `mlp.0` and `mlp.3`,
 * become `mlp.fc1` and `mlp.fc2`; timm's stay.
 */
export const quantizedName = (name: string): string =>
  name.replace(/\.mlp\.0(?=\.|$)/, '.mlp.fc1').replace(/\.mlp\.3(?=\.|$)/, '.mlp.fc2');

/**
 * The bits of every layer of {@link quantizableLayers}, and the key of the plan that gave them.
 *
 * @throws {QuantStatsError} `QS_BIT_PLAN_INVALID` listing every key that fits no layer; `VitError` `VIT_CONFIG_INVALID`.
 */
export function layerBits(
  config: VitConfig | SwinConfig,
  { plan }: Pick<QuantizedDesign, 'plan'>,
): ReadonlyMap<string, ResolvedBits> {
  return resolveBitPlan(plan, quantizableLayers(config));
}

/**
 * The resolved plan as a table of text, a line for each layer.
 *
 * @throws as {@link layerBits}.
 */
export function formatPlan(config: VitConfig | SwinConfig, design: Pick<QuantizedDesign, 'plan'>): string {
  return formatBitPlan(layerBits(config, design));
}
