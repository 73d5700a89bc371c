import { type StateDict, type TensorData, tensorData } from '@proj/tensor-io';
import { RwsError } from './error.ts';
import { finiteValues, isFloat } from './floats.ts';
import { reject } from './projection.ts';
import { dequantizationTable, quantize } from './quantizer.ts';

/*
 * The arithmetic of the paper's published script (`model_patching.py`), for comparing with numbers that were made with it. It differs
 * from the paper's rule, which `patch` applies, in all that docs/deviations.md lists.
 */

export interface PaperPatchOptions {
  /** `--pretrained`: the common start. */
  readonly init: StateDict;
  /** `--base_model`: its difference from `init` is what is projected out. */
  readonly standard: StateDict;
  /** `--patched_model`: what the patch is added to. Defaults to `standard`. */
  readonly target?: StateDict;
  /** One robust model a corruption. */
  readonly robust: readonly StateDict[];
  /** What `selectLayers` gives: tensors to patch, of which batch norm and downsampling are replaced instead. */
  readonly layers: readonly string[];
  /** `--alpha`; defaults to 1. Unless it is 0, `finetuneAlpha` has no effect. */
  readonly alpha?: number;
  /** `--finetune_alpha`: a weight for each robust model. */
  readonly finetuneAlpha?: readonly number[];
  /** `--quantization` is a number of levels, 2 to 256, not of bits. */
  readonly quantization?: { readonly type: 'linear' | 'log' | 'tanh'; readonly levels: number };
}

export interface PaperPatch {
  readonly state: StateDict;
  /** w: α/N for all of N models, or `finetuneAlpha`. */
  readonly weights: readonly number[];
  /** w², with which a signature takes effect: the script multiplies before the projection and again when it adds. */
  readonly coefficients: readonly number[];
  /** Tensors that took the mean of the robust models' values, in the whole network. */
  readonly replaced: readonly string[];
}

/**
 * Patches as the published script does: θ + Σ w · Q(reject(w · (robust − init), standard − init)), with one range of Q for all signatures
 * of a tensor; every tensor with `bn` or `downsample` in its name, and no `num`, becomes the mean of the robust models'.
 *
 * Where the script goes on with NaN, this refuses: a direction standard − init that is zero, zeros under `log`, a constant to be quantized.
 * What it leaves to its caller as the script to its data loader: estimating means and variances anew (`paperStatistics`).
 *
 * @throws {RwsError} `RWS_OPTION_INVALID`; `RWS_STATES_DIFFER`; `RWS_NON_FINITE`; `RWS_OUT_OF_RANGE`.
 */
export function paperPatch(options: PaperPatchOptions): PaperPatch {
  const { init, standard, target = standard, robust, layers, quantization } = options;
  const weights = paperWeights(robust.length, options.alpha ?? 1, options.finetuneAlpha);
  const state = new Map(target);
  const replaced = [...target.keys()].filter(isReplaced);
  for (const name of replaced) {
    const of = valuesOf(name, [target, ...robust]);
    state.set(name, rounded(target.get(name)!, mean(of.slice(1))));
  }
  for (const name of layers) {
    if (isReplaced(name)) continue;
    const [start, clean, base, ...others] = valuesOf(name, [init, standard, target, ...robust]);
    const direction = subtracted(clean!, start!);
    if (direction.every((x) => x === 0)) {
      throw new RwsError(
        'RWS_OUT_OF_RANGE',
        `"${name}": standard and init are the same, where the paper's script divides 0 by 0; leave it out of the layers.`,
      );
    }
    const signatures = others.map((values, i) => {
      const task = subtracted(values, start!).map((x) => x * weights[i]!);
      return Float32Array.from(reject(task, direction).residual);
    });
    const stored =
      quantization === undefined ? signatures : quantizedTogether(signatures, quantization, name);
    const patched = Float64Array.from(base!);
    for (const [i, values] of stored.entries()) {
      for (let j = 0; j < patched.length; j++) patched[j] = patched[j]! + weights[i]! * values[j]!;
    }
    state.set(name, rounded(target.get(name)!, patched));
  }
  return { state, weights, coefficients: weights.map((w) => w * w), replaced };
}

/**
 * The script's w for N robust models: α/N for each, or, only where α is 0, `finetuneAlpha`.
 *
 * @throws {RwsError} `RWS_OPTION_INVALID` when there is none for each model, or one that is not finite.
 */
export function paperWeights(count: number, alpha: number, finetuneAlpha?: readonly number[]): number[] {
  const weights = alpha !== 0 ? Array<number>(count).fill(alpha / count) : [...(finetuneAlpha ?? [])];
  if (count === 0 || weights.length !== count || !weights.every(Number.isFinite)) {
    throw new RwsError(
      'RWS_OPTION_INVALID',
      `${count} robust models need an alpha that is not 0, or alpha 0 and as many finite finetuneAlpha; got alpha ${alpha} and ${finetuneAlpha?.join(', ') ?? 'none'}.`,
    );
  }
  return weights;
}

/**
 * The script's first `k` units in the order of the state: for VGG a convolution with its bias; for ResNet the stem, then each block, with scale
 * and shift of batch norm and the downsampling.
 *
 * @throws {RwsError} `RWS_OPTION_INVALID` when the state has fewer units.
 */
export function selectLayers(state: StateDict, k: number): string[] {
  const units = new Map<string, string[]>();
  for (const name of state.keys()) {
    const unit = unitOf(name);
    if (unit !== undefined) units.set(unit, [...(units.get(unit) ?? []), name]);
  }
  if (!Number.isInteger(k) || k < 1 || k > units.size) {
    throw new RwsError(
      'RWS_OPTION_INVALID',
      `k must be an integer from 1 to ${units.size}, the units with names of a VGG or ResNet; got ${k}.`,
    );
  }
  return [...units.values()].slice(0, k).flat();
}

function unitOf(name: string): string | undefined {
  if (!/\.(weight|bias)$/.test(name)) return undefined;
  if (/^(conv1|bn1)\./.test(name)) return 'stem';
  return /^(features\.\d+|layer\d+\.\d+)\./.exec(name)?.[1];
}

/**
 * Means and variances after they were estimated anew: with α < 1 the script blends, (1 − α) · those of `paperPatch` + α · the new ones.
 *
 * @throws {RwsError} `RWS_STATES_DIFFER`, `RWS_NON_FINITE`.
 */
export function paperStatistics(patched: StateDict, recalibrated: StateDict, alpha: number): StateDict {
  if (alpha >= 1) return recalibrated;
  const state = new Map(recalibrated);
  for (const [name, tensor] of recalibrated) {
    if (!/running_(mean|var)$/.test(name)) continue;
    const [before, after] = valuesOf(name, [patched, recalibrated]);
    state.set(
      name,
      rounded(
        tensor,
        before!.map((x, i) => (1 - alpha) * x + alpha * after![i]!),
      ),
    );
  }
  return state;
}

const isReplaced = (name: string) => /bn|downsample/.test(name) && !name.includes('num');

/** Quantized with one range over all signatures of a tensor. */
function quantizedTogether(
  signatures: readonly Float32Array[],
  { type, levels }: { readonly type: 'linear' | 'log' | 'tanh'; readonly levels: number },
  name: string,
): Float32Array[] {
  const length = signatures[0]!.length;
  const stacked = new Float32Array(length * signatures.length);
  for (const [i, values] of signatures.entries()) stacked.set(values, i * length);
  const restored = quantizeAsPublished(stacked, type, levels, name);
  return signatures.map((_, i) => restored.subarray(i * length, (i + 1) * length));
}

function quantizeAsPublished(
  values: Float32Array,
  type: 'linear' | 'log' | 'tanh',
  levels: number,
  name: string,
): Float32Array {
  const steps = type === 'log' ? levels >> 1 : levels;
  if (!Number.isInteger(levels) || levels > 256 || steps < 2) {
    throw refused(name, `${levels} levels; ${type} takes ${type === 'log' ? 4 : 2} to 256`);
  }
  if (type === 'log' && values.includes(0)) throw refused(name, 'zeros, of which log quantization makes NaN');
  const quantizer = { scheme: type, levels };
  const quantized = quantize(values, quantizer, `"${name}"`);
  const { lo, hi, codes } = quantized;
  if (lo === hi) throw refused(name, 'a constant, which the script divides by its range of 0');
  if (steps === 2 && lo !== -hi) throw refused(name, '2 levels for a range that is not symmetric');
  const table = dequantizationTable(quantizer, quantized);
  // With two levels the script takes sign · max, which keeps zeros.
  return values.map((x, i) => (steps === 2 && type !== 'log' && x === 0 ? 0 : table[codes[i]!]!));
}

function refused(name: string, what: string): RwsError {
  return new RwsError('RWS_OPTION_INVALID', `"${name}": ${what}; the paper's script cannot do that either.`);
}

/** A tensor's values in every state, which must have it with one shape as floats. */
function valuesOf(name: string, states: readonly StateDict[]): Float64Array[] {
  const tensors = states.map((state) => state.get(name));
  const shape = tensors[0]?.shape.join();
  const unfit = tensors.some(
    (tensor) => tensor === undefined || !isFloat(tensor.dtype) || tensor.shape.join() !== shape,
  );
  if (unfit) {
    throw new RwsError(
      'RWS_STATES_DIFFER',
      `"${name}" is not in all of the models as a float tensor of one shape.`,
    );
  }
  return tensors.map((tensor) => Float64Array.from(finiteValues(tensor!, `"${name}"`)));
}

function mean(values: readonly Float64Array[]): Float64Array {
  return values[0]!.map((_, i) => values.reduce((sum, one) => sum + one[i]!, 0) / values.length);
}

/** a − b as float32 subtraction gives it. */
function subtracted(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((x, i) => Math.fround(x - b[i]!));
}

function rounded({ dtype, shape }: TensorData, values: Float64Array): TensorData {
  return tensorData(dtype, shape, values);
}
