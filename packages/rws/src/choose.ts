import type { StateDict } from '@proj/tensor-io';
import { RwsError } from './error.ts';
import { type PatchedModel, type PatchOptions, patch } from './patch.ts';
import type { Application } from './strength.ts';

export interface Choice {
  /** The signature to apply; null when the model is better off without one. */
  readonly chosen: Application | null;
  /** One a candidate, in their order, and last, with null, that of the model as it is. */
  readonly costs: readonly { readonly id: string | null; readonly cost: number }[];
}

/**
 * Chooses one of several signatures, or none, for images without labels: the one whose patched model costs least. `cost` sees the patched
 * state and looks at the images, e.g. by the mean entropy of its predictions (`meanEntropy`) or by how far its batch-norm statistics are from
 * those of the images (`statisticsDistance`). Of equal costs none is taken before the first.
 *
 * @throws {RwsError} `RWS_OPTION_INVALID` for a cost that is no number; what `patch` throws.
 */
export async function chooseSignature(
  model: StateDict | PatchedModel,
  candidates: readonly Application[],
  cost: (state: StateDict) => number | Promise<number>,
  options: PatchOptions = {},
): Promise<Choice> {
  const costs: { id: string | null; cost: number }[] = [];
  const judge = async (state: StateDict, id: string | null) => {
    const value = await cost(state);
    if (Number.isNaN(value)) {
      throw new RwsError('RWS_OPTION_INVALID', `cost returned ${value} for ${id ?? 'the model as it is'}.`);
    }
    costs.push({ id, cost: value });
    return value;
  };
  let [chosen, least]: [Application | null, number] = [null, Number.POSITIVE_INFINITY];
  for (const candidate of candidates) {
    const { state } = await patch(model, [candidate], options);
    const value = await judge(state, candidate.signature.id);
    if (value < least) [chosen, least] = [candidate, value];
  }
  const alone = await judge((await patch(model, [])).state, null);
  return { chosen: alone <= least ? null : chosen, costs };
}

/** Mean entropy, in nats, of the softmax of `logits`: rows of `classes` each. */
export function meanEntropy(logits: Float32Array | Float64Array, classes: number): number {
  const rows = logits.length / classes;
  if (!Number.isInteger(rows) || rows === 0) {
    throw new RwsError('RWS_OPTION_INVALID', `${logits.length} logits are no rows of ${classes}.`);
  }
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const values = logits.subarray(row * classes, (row + 1) * classes);
    let most = Number.NEGATIVE_INFINITY;
    for (const value of values) if (value > most) most = value;
    let total = 0;
    let weighted = 0;
    for (const value of values) {
      const weight = Math.exp(value - most);
      total += weight;
      weighted += weight * (value - most);
    }
    sum += Math.log(total) - weighted / total;
  }
  return sum / rows;
}

/** Means and variances of one layer's channels. */
export interface ChannelStatistics {
  readonly mean: ArrayLike<number>;
  readonly variance: ArrayLike<number>;
}

/**
 * How far statistics of images are from those that a model's batch norm expects: the mean, over channels, of the squared Wasserstein
 * distance of two normal distributions, (μ − μ')² + (σ − σ')², over the expected variance. 0 exactly when they are the same.
 */
export function statisticsDistance(images: ChannelStatistics, expected: ChannelStatistics): number {
  const channels = expected.mean.length;
  let sum = 0;
  for (let i = 0; i < channels; i++) {
    const variance = expected.variance[i]!;
    const shift = images.mean[i]! - expected.mean[i]!;
    const spread = Math.sqrt(images.variance[i]!) - Math.sqrt(variance);
    // PyTorch's batch norm adds the same before it divides.
    sum += (shift * shift + spread * spread) / (variance + 1e-5);
  }
  return sum / channels;
}
