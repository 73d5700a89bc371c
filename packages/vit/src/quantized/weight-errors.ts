import type { NamedTensors } from '@proj/ops';
import type { VitConfig } from '../config.ts';
import type { SwinConfig } from '../swin-config.ts';
import type { QuantizedDesign } from './design.ts';
import { weightPair } from './pack.ts';
import { packedWeights } from './packed-weights.ts';

/**
 * How far quantization moves each weight of a latent model: ‖quantized - latent‖ / ‖latent‖, by layer, 0 for a weight of zeros. Of QKR it
 * is the product's.
 *
 * @throws as `packModel`.
 */
export async function weightErrors(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
  parameters: NamedTensors,
): Promise<Map<string, number>> {
  const errors = new Map<string, number>();
  for (const weight of packedWeights(config, design)) {
    const { latent, quantized } = weightPair(weight, parameters);
    const [before, after] = await Promise.all([latent.data(), quantized.data()]);
    latent.dispose();
    quantized.dispose();
    let [moved, size] = [0, 0];
    for (let i = 0; i < before.length; i++) {
      moved += (after[i]! - before[i]!) ** 2;
      size += before[i]! ** 2;
    }
    errors.set(weight.layer, size === 0 ? 0 : Math.sqrt(moved / size));
  }
  return errors;
}
