import type { VitConfig } from '../config.ts';
import { isSwin } from '../config.ts';
import { type Fields, invalid, object, parse, string } from '../json-fields.ts';
import { configFromMetadata, vitMetadata } from '../metadata.ts';
import type { SwinConfig } from '../swin-config.ts';
import { swinConfigFromMetadata, swinMetadata } from '../swin-metadata.ts';
import { layerBits, type QuantizedDesign } from './design.ts';

/**
 * `vitMetadata` or `swinMetadata` of a quantized model: the JSON under `proj` in its file's `__metadata__`, with the design under
 * `quantization`.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`, `VIT_METADATA_INVALID`; `QuantStatsError` `QS_BIT_PLAN_INVALID`.
 */
export function quantizedMetadata(
  config: VitConfig | SwinConfig,
  { plan, weights, attention }: QuantizedDesign,
  classNames?: readonly string[],
): string {
  layerBits(config, { plan });
  const model = isSwin(config) ? swinMetadata(config, classNames) : vitMetadata(config, classNames);
  return JSON.stringify({ ...JSON.parse(model), quantization: { plan, weights, attention } });
}

/**
 * The design in `quantizedMetadata`'s JSON; undefined of a float model's.
 *
 * @throws {VitError} `VIT_METADATA_INVALID` naming the field, `VIT_CONFIG_INVALID`; `QuantStatsError` `QS_BIT_PLAN_INVALID`.
 */
export function designFromMetadata(json: string): QuantizedDesign | undefined {
  const { architecture, quantization } = parse(json, 'vit', 'swin');
  if (quantization === undefined) return undefined;
  const fields = object(quantization, 'quantization');
  const plan = Object.entries(object(fields['plan'], 'quantization.plan')).map(
    ([key, bits]) => [key, string(bits, `quantization.plan.${key}`)] as const,
  );
  const design: QuantizedDesign = {
    plan: Object.fromEntries(plan),
    weights: oneOf(fields, 'weights', ['statsq', 'lsq', 'lsq+'] as const),
    attention: oneOf(fields, 'attention', ['qkr', 'plain'] as const),
  };
  layerBits(architecture === 'swin' ? swinConfigFromMetadata(json) : configFromMetadata(json), design);
  return design;
}

function oneOf<T extends string>(fields: Fields, field: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === fields[field]);
  if (found !== undefined) return found;
  const names = allowed.map((value) => `"${value}"`).join(' or ');
  throw invalid(`quantization.${field} must be ${names}, got ${JSON.stringify(fields[field])}`);
}
