import type { NamedTensors } from '@proj/ops';
import { type Tensor, tidy, zeros } from '@tensorflow/tfjs-core';
import { isSwin, type VitConfig } from '../config.ts';
import { vit } from '../model.ts';
import { swin } from '../swin.ts';
import type { SwinConfig } from '../swin-config.ts';
import type { QuantizedDesign } from './design.ts';
import { type FromFloatOptions, quantizedFromFloat } from './from-float.ts';
import { preparedLayers } from './layers.ts';
import { quantizedBuffers } from './parameters.ts';
import { setting } from './prepare.ts';
import { preparedSwinLayers } from './swin-layers.ts';

/** A quantized model's live tensors, the caller's to dispose. */
export interface QuantizedModel {
  readonly parameters: Map<string, Tensor>;
  readonly buffers: Map<string, Tensor>;
}

/**
 * A quantized model from a float one, its steps set by data: `quantizedFromFloat`, then one pass over `images` in which each quantizer
 * starts on what the quantized layers before it make of them (LSQ's initialisation, Esser et al. 2020, section 2.1; `setup_alpha` in the
 * reference code, one training batch). Nothing in it is random but a fresh `proj`.
 *
 * @param images [B, channels, imageSize, imageSize], normalised; left alone.
 * @throws {VitError} `VIT_PARAMETERS_MISMATCH`, `VIT_INPUT_SHAPE`; `QuantStatsError` `QS_NON_FINITE` for
 * the first quantizer whose data are not finite, `QS_BIT_PLAN_INVALID`; `VIT_CONFIG_INVALID`. Nothing stays allocated then.
 */
export function calibrate(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
  float: NamedTensors,
  images: Tensor,
  options: FromFloatOptions = {},
): QuantizedModel {
  const parameters = quantizedFromFloat(config, design, float, options);
  const buffers = new Map(
    quantizedBuffers(config, design).map(({ name, shape }) => [name, zeros([...shape])]),
  );
  const prepare = setting(parameters, buffers);
  try {
    tidy(() => {
      if (isSwin(config)) {
        swin(config, preparedSwinLayers(config, design, parameters, buffers, {}, prepare), images);
      } else {
        vit(config, preparedLayers(config, design, parameters, buffers, {}, prepare), images);
      }
    });
  } catch (error) {
    for (const tensor of [...parameters.values(), ...buffers.values()]) tensor.dispose();
    throw error;
  }
  return { parameters, buffers };
}
