import type { NamedTensors } from '@proj/ops';
import { observeSign } from '@proj/quant-stats';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { VitConfig } from '../config.ts';
import type { SwinConfig } from '../swin-config.ts';
import { embeddingOf } from './parameters.ts';

/**
 * The buffers after a pass over `images`: the flag that images have negative values is set once they have, and stays. The very same map
 * where nothing changes. The reference code does so in its forward pass, also when it evaluates.
 *
 * @throws {QuantStatsError} `QS_NON_FINITE`, `QS_PARAMETER_MISSING`.
 */
export function observeImages(
  config: VitConfig | SwinConfig,
  images: Tensor,
  parameters: NamedTensors,
  buffers: NamedTensors,
): NamedTensors {
  return observeSign(images, parameters, buffers, { prefix: embeddingOf(config) });
}
