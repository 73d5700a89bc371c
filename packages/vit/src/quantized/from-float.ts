import type { NamedTensors } from '@proj/ops';
import { qkrFromQkv } from '@proj/qkr';
import { random } from '@proj/random';
import { clone, ones, type Tensor, tensor, tidy, zeros } from '@tensorflow/tfjs-core';
import type { VitConfig } from '../config.ts';
import type { ParameterSpec } from '../named-shapes.ts';
import { checkParameters } from '../parameters.ts';
import type { SwinConfig } from '../swin-config.ts';
import { type QuantizedDesign, quantizedName } from './design.ts';
import { quantizedParameters } from './parameters.ts';

export interface FromFloatOptions {
  /**
   * `copied`, or `fresh` as in the reference code, which forgets to copy every `attn.proj` and so starts each from PyTorch's nn.Linear:
   * weight and bias uniform in ±1 / sqrt(C). (Without QKR it forgets `qkv` as well; that is not offered.)
   */
  readonly proj?: 'copied' | 'fresh';
  /** Of the draws of a fresh `proj`; 0 where not given. */
  readonly seed?: number;
}

/**
 * The parameters of a quantized model from a float one's with timm's or torchvision's names: weights copied, offsets 0, and steps 1, which
 * `calibrate` then sets. With QKR `qkv` is taken apart and the biases of queries and keys are dropped (as `qkrFromQkv` explains), so that
 * a quantized model is not quite the float one even at many bits.
 *
 * A bias that the quantized model has and the float one has not, that of Swin's `reduction`, starts at 0; the reference draws it.
 *
 * @param float Exactly the model's parameters, and for Swin its buffers or not; left alone.
 * @returns new tensors in the order of `quantizedParameters`, the caller's to dispose
 * @throws {VitError} `VIT_PARAMETERS_MISMATCH` naming every parameter that does not fit; `VIT_CONFIG_INVALID`; `QuantStatsError`
 * `QS_BIT_PLAN_INVALID`; `RandomError` for a seed that is no safe integer.
 */
export function quantizedFromFloat(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
  float: NamedTensors,
  { proj = 'copied', seed = 0 }: FromFloatOptions = {},
): Map<string, Tensor> {
  const parameters = quantizedParameters(config, design);
  checkParameters(config, float);
  const made = new Map<string, Tensor>();
  tidy(() => {
    const sources = new Map(
      [...float].flatMap(([name, tensor]) => (isFresh(name, proj) ? [] : [[quantizedName(name), tensor]])),
    );
    if (design.attention === 'qkr') takeApart(sources);
    for (const { name, shape } of parameters) {
      const source = sources.get(name);
      made.set(name, source === undefined ? initial({ name, shape }, proj, seed) : clone(source));
    }
    return [...made.values()];
  });
  return made;
}

/** Whether a parameter of a projection starts anew. */
const isFresh = (name: string, proj: FromFloatOptions['proj']): boolean =>
  proj === 'fresh' && /\.attn\.proj\.(weight|bias)$/.test(name);

/** Puts queries, keys and values beside each `qkv`. */
function takeApart(sources: Map<string, Tensor>): void {
  for (const [name, weight] of [...sources]) {
    if (!name.endsWith('.qkv.weight')) continue;
    const attn = name.slice(0, -'qkv.weight'.length);
    const parts = qkrFromQkv(weight, sources.get(`${attn}qkv.bias`)!);
    for (const [part, tensor] of Object.entries(parts)) sources.set(`${attn}${part}`, tensor);
  }
}

/** A parameter that the float model has not. */
function initial({ name, shape }: ParameterSpec, proj: FromFloatOptions['proj'], seed: number): Tensor {
  if (!isFresh(name, proj)) return name.endsWith('.s') ? ones([...shape]) : zeros([...shape]);
  const bound = 1 / Math.sqrt(shape[0]!);
  const draws = random(seed, 'vit', 'proj', name);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return tensor(
    Float32Array.from({ length: size }, () => (2 * draws.uniform() - 1) * bound),
    [...shape],
  );
}
