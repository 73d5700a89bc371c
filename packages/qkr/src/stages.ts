import { linear, matMul, mergeQueryKey, type NamedTensors, softmax } from '@proj/ops';
import { type Bits, initialStep, quantize, statsq2d } from '@proj/quant-stats';
import { add, clone, mul, reshape, type Tensor, tidy, tile, transpose } from '@tensorflow/tfjs-core';
import { type QkrOptions, sizesOf } from './attention.ts';
import { lookup, prefixed } from './parameters.ts';
import { type Activation, activations, offsetsOf, projBits } from './quantizers.ts';
import { type QkrSpec, requireSpec } from './spec.ts';

/** Called with the data that a quantizer is about to quantize; returns its steps. */
type StepOf = (activation: Activation, data: Tensor) => Tensor;

/**
 * The steps with which the quantizers of an attention start, by their full names: LSQ's data-driven initialisation, an explicit step here.
 *
 * Each quantizer starts on what the ones before it make of `x`, so that a model is initialised from its first layer to its last
 * (reference: `setup_alpha`, one forward pass). Reads weights and offsets of `parameters`; its steps need not be there.
 *
 * @returns steps [G] in the order in which they were found; the caller's to dispose
 * @throws {QkrError} as `qkrAttention`; `QuantStatsError` `QS_NON_FINITE` with the name of the steps, where data are not finite.
 */
export function qkrInitialSteps(
  x: Tensor,
  parameters: NamedTensors,
  prefix: string,
  spec: QkrSpec,
  options: Pick<QkrOptions, 'mask'> = {},
): Map<string, Tensor> {
  const steps = new Map<string, Tensor>();
  const step: StepOf = (activation, data) => {
    const name = prefixed(prefix, activation.step);
    const initial = initialStep({ ...activation.quantizer, name: `"${name}"` }, data);
    steps.set(name, initial);
    return initial;
  };
  tidy(() => {
    walk(x, parameters, prefix, spec, options, step);
    return [...steps.values()];
  });
  return steps;
}

/**
 * Everything between the quantizers of an attention, computed stage by stage: each tensor under the name of the reference's module that it
 * enters (`.in`) or leaves (`.out`), for figures and for comparison; `proj.out` is the result.
 *
 * @returns the caller's to dispose
 * @throws {QkrError} as `qkrAttention`.
 */
export function qkrIntermediates(
  x: Tensor,
  parameters: NamedTensors,
  prefix: string,
  spec: QkrSpec,
  options: Pick<QkrOptions, 'mask'> = {},
): Map<string, Tensor> {
  const stages = new Map<string, Tensor>();
  tidy(() => {
    const found = walk(
      x,
      parameters,
      prefix,
      spec,
      options,
      ({ step }) => parameters.get(prefixed(prefix, step))!,
    );
    // Some are the caller's own.
    for (const [name, tensor] of found) stages.set(name, clone(tensor));
    return [...stages.values()];
  });
  return stages;
}

function walk(
  x: Tensor,
  parameters: NamedTensors,
  prefix: string,
  spec: QkrSpec,
  { mask }: Pick<QkrOptions, 'mask'>,
  stepOf: StepOf,
): Map<string, Tensor> {
  requireSpec(spec);
  const { heads, weightBits } = spec;
  const sizes = sizesOf(x, heads);
  const [batch, tokens, width] = x.shape as [number, number, number];
  const get = lookup(parameters, prefix, sizes, (name) => !name.endsWith('.s'));
  const all = activations(spec);
  const stages = new Map<string, Tensor>();

  /** LSQ with its offsets; what its module sees is shifted already. */
  const activated = (activation: Activation, data: Tensor): Tensor => {
    const module = activation.step.slice(0, -'.s'.length);
    const offsets = offsetsOf(activation, get);
    const shifted = offsets ? shift(data, offsets.before) : data;
    const out = quantize(activation.quantizer, shifted, stepOf(activation, shifted));
    stages.set(`${module}.in`, shifted).set(`${module}.out`, out);
    return offsets ? shift(out, offsets.after) : out;
  };
  const rounded = (latent: Tensor, bits: Bits): Tensor => quantize(statsq2d(bits), latent);
  const weight = (module: string, latent: Tensor): Tensor => {
    const out = rounded(latent, weightBits);
    stages.set(`${module}.in`, latent).set(`${module}.out`, out);
    return out;
  };
  const split = (data: Tensor): Tensor =>
    transpose(reshape(data, [batch, tokens, heads, data.size / (batch * tokens * heads)]), [0, 2, 1, 3]);

  const quantized = activated(all.tokens, x);
  stages.set('quant_x_4_qkv.in', x).set('quant_x_4_qkv.out', quantized);
  const v = activated(all.values, linear(quantized, weight('v_quant', get('v.weight')), get('v.bias')));
  const product = mergeQueryKey(get('q.weight'), get('k.weight'), heads);
  const keys = matMul(reshape(quantized, [batch * tokens, width]), weight('qk_quant', product), false, true);
  // One step for each token and head: the module's rows are pairs of them.
  const z = activated(all.keys, reshape(keys, [batch, tokens * heads, width]));

  const queries = tile(reshape(quantized, [batch, 1, tokens, width]), [1, heads, 1, 1]);
  const scores = mul(matMul(queries, split(z), false, true), Math.sqrt(heads / width));
  const repeats = mask === undefined ? 1 : batch / mask.shape[0]!;
  const p = softmax(mask === undefined ? scores : add(scores, tile(mask, [repeats, 1, 1, 1])));
  const mixed = matMul(activated(all.probabilities, p), split(v));
  const attended = reshape(transpose(mixed, [0, 2, 1, 3]), [batch, tokens, width]);
  const input = activated(all.proj, attended);
  const out = linear(input, rounded(get('proj.weight'), projBits(spec)), get('proj.bias'));
  stages.set('proj.in', attended).set('proj.out', out);
  return stages;
}

/** `data` plus an offset that repeats along it. */
function shift(data: Tensor, offset: Tensor): Tensor {
  return reshape(add(reshape(data, [data.size / offset.size, offset.size]), offset), data.shape);
}
