import type { NamedTensors } from '@proj/ops';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { namedParameters } from '../named-parameters.ts';
import type { WindowSpec } from '../swin-layers.ts';
import { intoWindows, outOfWindows, windowBias } from '../window-tensors.ts';
import { type QAttentionSpec, qAttention } from './attention.ts';
import { type Prepare, prepared } from './prepare.ts';

/** A quantized self-attention within the windows of a map. */
export interface QWindowAttentionSpec extends QAttentionSpec {
  readonly window: WindowSpec;
}

/**
 * Swin's quantized window attention by itself, without LayerNorm and residual (`QAttention_swin_qkreparam`): x [B, S, S, C] -> [B, S, S, C].
 * Each window is a sequence of `qAttention`; relative position biases and the shift mask are added to its scores.
 *
 * @throws as `qAttention`; {OpsError} for a table of another shape.
 */
export function qWindowAttention(
  x: Tensor,
  parameters: NamedTensors,
  { window, ...spec }: QWindowAttentionSpec,
  prepare: Prepare = prepared,
): Tensor {
  return tidy(() => {
    const mask = windowBias(namedParameters(parameters).get(window.bias), window);
    const attended = qAttention(intoWindows(x, window), parameters, spec, { mask }, prepare);
    return outOfWindows(attended, window);
  });
}
