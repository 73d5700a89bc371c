import { type LayerBits, lsqConvolution, lsqRows, type Quantizer, statsq2d } from '@proj/quant-stats';
import type { VitConfig } from '../config.ts';
import type { SwinConfig } from '../swin-config.ts';
import { layerBits, type QuantizedDesign } from './design.ts';
import { quantizedParameters } from './parameters.ts';

/** A weight that a packed file holds as codes, with a scale for each of its rows. */
export interface PackedWeight {
  /** Its name without `.weight`; `blocks.0.attn.qk` is QKR's product of `q` and `k`. */
  readonly layer: string;
  /** [out, in], of the patch embedding [out, channels, p, p]: a row is all that belongs to an output. */
  readonly shape: readonly [rows: number, ...rest: number[]];
  readonly quantizer: Quantizer;
  /** Name of LSQ's steps in the latent model; StatsQ has none. */
  readonly step: string | undefined;
  /** Heads of a product, whose factors are the weights `q` and `k` beside it. */
  readonly heads: number | undefined;
}

/**
 * The weights that a packed file of this model holds as codes, in the order of `quantizedParameters`: all matrices, with QKR the
 * product of queries and keys in place of the two, as only that is ever rounded.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`; `QuantStatsError` `QS_BIT_PLAN_INVALID`.
 */
export function packedWeights(config: VitConfig | SwinConfig, design: QuantizedDesign): PackedWeight[] {
  const specs = quantizedParameters(config, design);
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
  const bits = layerBits(config, design);
  const bitsOf = (layer: string): LayerBits => (bits.get(layer) ?? bits.get(layer.replace(/\.\w+$/, '')))!;
  return specs.flatMap(({ name, shape }) => {
    const layer = name.slice(0, -'.weight'.length);
    if (!name.endsWith('.weight') || shape.length < 2 || isFactor(name, design)) {
      return [];
    }
    const of = (layer: string, own: readonly number[], heads?: number): PackedWeight => {
      const step = [`${layer}.lsqw_fn.s`, `${layer}_quant.s`].find((name) => shapes.has(name));
      const { weight } = bitsOf(layer);
      const lsq = own.length === 4 ? lsqConvolution(weight) : lsqRows(weight);
      const [rows, ...rest] = own as [number, ...number[]];
      return {
        layer,
        shape: [rows, ...rest],
        quantizer: step === undefined ? statsq2d(weight) : lsq,
        step,
        heads,
      };
    };
    if (design.attention !== 'qkr' || !layer.endsWith('.attn.v')) return [of(layer, shape)];
    // Queries and keys are looked up by the values beside them, which every attention has once.
    const attn = layer.slice(0, -'.v'.length);
    const [offsets] = shapes.get(`${attn}.move_qkx_b4.bias`) as [number];
    const width = shape[1]!;
    return [of(`${attn}.qk`, [offsets, width], offsets / width), of(layer, shape)];
  });
}

/** Whether a parameter of the latent model is in a packed file only as part of a product. */
const isFactor = (name: string, { attention }: Pick<QuantizedDesign, 'attention'>): boolean =>
  attention === 'qkr' && /\.attn\.[qk]\.weight$/.test(name);

/** The parameters and buffers of a latent model that a packed file holds as they are: all but weights with codes, and their steps. */
export function keptWhole(
  names: readonly string[],
  weights: readonly PackedWeight[],
  design: QuantizedDesign,
): string[] {
  const coded = new Set(weights.flatMap(({ layer, step }) => [`${layer}.weight`, step]));
  return names.filter((name) => !coded.has(name) && !isFactor(name, design));
}
