import type { VitConfig } from '@proj/vit/forward';
import type { QuantizedDesign } from '@proj/vit/quantized';
import type { DesignConfig } from './quantize-config.ts';

/** The paper's plan with these bits in the blocks. Loads tfjs. */
export async function quantizedDesign(
  config: VitConfig,
  { bits, weights, attention }: DesignConfig,
): Promise<QuantizedDesign> {
  const { ofqPlan } = await import('@proj/vit/quantized');
  return { plan: ofqPlan(config, bits), weights, attention };
}
