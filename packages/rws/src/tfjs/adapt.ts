import { type StateDict, tensorData } from '@proj/tensor-io';
import * as tf from '@tensorflow/tfjs-core';
import { RwsError } from '../error.ts';
import { checkFit } from '../fit.ts';
import { dequantizeTensor, type Signature, signatureLabel } from '../signature.ts';
import type { Application } from '../strength.ts';
import { meanEntropyLoss } from './entropy.ts';

export interface AdaptOptions<Batch> {
  /** The model's float32 parameters by name; they are read and never changed. */
  readonly parameters: ReadonlyMap<string, tf.Tensor>;
  readonly signatures: readonly Signature[];
  /**
   * The logits [images, classes] of a batch with these parameters, among them the patched ones. It must be differentiable by tfjs; under
   * Node that needs its gradients to be registered, e.g. by `import '@proj/ops/gradients'`.
   */
  logits(parameters: ReadonlyMap<string, tf.Tensor>, batch: Batch): tf.Tensor;
  /** Unlabelled images; one step is made with each. What they hold is their maker's to dispose. */
  readonly batches: Iterable<Batch> | AsyncIterable<Batch>;
  /** One coefficient for a signature, or for each of its units. Defaults to `unit`. */
  readonly per?: 'signature' | 'unit';
  /** Of Adam, with β = 0.9 and 0.999. Defaults to 0.001. */
  readonly learningRate?: number;
  /** Where coefficients start. Defaults to 0.3. */
  readonly initial?: number;
  /** What coefficients are kept in. Defaults to [0, 1]. */
  readonly range?: readonly [least: number, most: number];
  readonly allowTransfer?: boolean;
}

export interface AdaptStep {
  /** From 1. */
  readonly step: number;
  /** Mean entropy of the batch's predictions, in nats, before the step. */
  readonly entropy: number;
  /** The signatures with their strengths after the step, for `patch` or `livePatch`. */
  readonly applications: readonly Application[];
}

/**
 * Learns how strongly signatures should be applied from images without labels: gradient descent of the predictions' mean entropy on the
 * coefficients alone (AdaMerging, arXiv 2310.02575, whose settings are the defaults: Adam, rate 0.001, from 0.3, within 0 to 1, some 500
 * steps). AdaMerging has one coefficient a task or a layer; here it is one a signature or a unit. Yields every step; stop when you like.
 *
 * Low entropy is not accuracy: with few images, or of few classes, coefficients can collapse onto one answer. Compare with α from validation.
 *
 * @throws {RwsError} `RWS_SIGNATURE_MISMATCH`; `RWS_OPTION_INVALID` for senseless options, and for signatures that replace tensors, which no
 * coefficient scales.
 */
export async function* adaptStrengths<Batch>(options: AdaptOptions<Batch>): AsyncGenerator<AdaptStep, void> {
  const { parameters, signatures, logits, learningRate = 1e-3, initial = 0.3 } = options;
  const [least, most] = options.range ?? [0, 1];
  checkOptions(learningRate, initial, least, most);
  await checkSignatures(options);
  const coefficients = new Coefficients(signatures, options.per ?? 'unit', initial);
  const weights = patchedWeights(parameters, coefficients);
  const adam = new Adam(coefficients.values.length, learningRate);
  try {
    let step = 0;
    for await (const batch of options.batches) {
      let entropy = Number.NaN;
      let gradient: ArrayLike<number> = [];
      tf.tidy(() => {
        const { value, grad } = tf.valueAndGrad((alphas) =>
          meanEntropyLoss(logits(withPatched(parameters, weights, alphas), batch)),
        )(tf.tensor1d([...coefficients.values]));
        entropy = value.dataSync()[0]!;
        gradient = grad.dataSync();
      });
      adam.step(coefficients.values, gradient);
      for (const [i, value] of coefficients.values.entries()) {
        coefficients.values[i] = Math.min(Math.max(value, least), most);
      }
      yield { step: ++step, entropy, applications: coefficients.applications() };
    }
  } finally {
    for (const { base, terms } of weights.values()) {
      base.dispose();
      for (const { values } of terms) values.dispose();
    }
  }
}

function checkOptions(learningRate: number, initial: number, least: number, most: number): void {
  if (
    !(learningRate > 0) ||
    !(least <= initial && initial <= most) ||
    ![learningRate, least, most].every(Number.isFinite)
  ) {
    throw new RwsError(
      'RWS_OPTION_INVALID',
      `learningRate must be above 0, initial in the range: got ${learningRate}, ${initial} and [${least}, ${most}].`,
    );
  }
}

async function checkSignatures<Batch>({
  parameters,
  signatures,
  allowTransfer = false,
}: AdaptOptions<Batch>): Promise<void> {
  if (signatures.length === 0) throw new RwsError('RWS_OPTION_INVALID', 'there is no signature to adapt.');
  const base = new Map();
  for (const { name } of signatures.flatMap(({ tensors }) => tensors)) {
    const tensor = parameters.get(name);
    if (tensor === undefined || base.has(name)) continue;
    const single = tensor.dtype === 'float32';
    base.set(name, tensorData(single ? 'F32' : 'I32', tensor.shape, await tensor.data()));
  }
  const known = new Map<string, string>();
  for (const signature of signatures) {
    const replaced = signature.tensors.find(({ apply }) => apply === 'replace');
    if (replaced !== undefined) {
      throw new RwsError(
        'RWS_OPTION_INVALID',
        `${signatureLabel(signature)} replaces "${replaced.name}", which no coefficient scales; adapt signatures that add.`,
      );
    }
    await checkFit(signature, base as StateDict, known, allowTransfer);
  }
}

/** The numbers that are learned, and which of them a signature's unit has. */
class Coefficients {
  readonly values: Float64Array;
  private readonly starts: number[] = [];
  readonly signatures: readonly Signature[];
  private readonly per: 'signature' | 'unit';

  constructor(signatures: readonly Signature[], per: 'signature' | 'unit', initial: number) {
    let count = 0;
    for (const { k } of signatures) {
      this.starts.push(count);
      count += per === 'unit' ? k : 1;
    }
    this.signatures = signatures;
    this.per = per;
    this.values = new Float64Array(count).fill(initial);
  }

  indexOf(signature: number, unit: number): number {
    return this.starts[signature]! + (this.per === 'unit' ? unit : 0);
  }

  applications(): Application[] {
    return this.signatures.map((signature, i) => {
      const start = this.starts[i]!;
      if (this.per === 'signature') return { signature, alpha: this.values[start]! };
      const units = [...this.values.subarray(start, start + signature.k)];
      const mean = units.reduce((sum, value) => sum + value, 0) / units.length;
      return { signature, alpha: mean, units: new Map(units.entries()) };
    });
  }
}

/** A touched parameter: its own values, and those of signatures with the places of their coefficients. */
interface PatchedWeight {
  readonly base: tf.Tensor;
  readonly terms: readonly { readonly index: number; readonly values: tf.Tensor }[];
}

function patchedWeights(
  parameters: ReadonlyMap<string, tf.Tensor>,
  coefficients: Coefficients,
): Map<string, PatchedWeight> {
  const weights = new Map<string, { base: tf.Tensor; terms: { index: number; values: tf.Tensor }[] }>();
  for (const [i, signature] of coefficients.signatures.entries()) {
    for (const tensor of signature.tensors) {
      const weight = weights.get(tensor.name) ?? { base: parameters.get(tensor.name)!.clone(), terms: [] };
      weights.set(tensor.name, weight);
      // A backend may keep the array, which is the signature's.
      const values = tf.tensor(dequantizeTensor(signature, tensor).slice(), [...tensor.shape], 'float32');
      weight.terms.push({ index: coefficients.indexOf(i, tensor.unit ?? 0), values });
    }
  }
  return weights;
}

function withPatched(
  parameters: ReadonlyMap<string, tf.Tensor>,
  weights: ReadonlyMap<string, PatchedWeight>,
  alphas: tf.Tensor,
): Map<string, tf.Tensor> {
  const patched = new Map(parameters);
  for (const [name, weight] of weights) patched.set(name, patchedWeight(weight, alphas));
  return patched;
}

/** base + Σ α·values; its gradient by α_i is <dy, values_i>, the only one that is asked for. */
function patchedWeight({ base, terms }: PatchedWeight, alphas: tf.Tensor): tf.Tensor {
  return tf.customGrad((given) => {
    const numbers = (given as tf.Tensor).dataSync();
    const value = terms.reduce<tf.Tensor>(
      (sum, { index, values }) => tf.add(sum, tf.mul(values, numbers[index]!)),
      tf.clone(base),
    );
    const gradFunc = (dy: tf.Tensor) => {
      const parts = Array.from(numbers, () => tf.scalar(0));
      for (const { index, values } of terms) {
        parts[index] = tf.add(parts[index]!, tf.sum(tf.mul(dy, values)));
      }
      return tf.stack(parts);
    };
    return { value, gradFunc };
  })(alphas);
}

/** Adam (Kingma and Ba 2015) on a few numbers. */
class Adam {
  private readonly first: Float64Array;
  private readonly second: Float64Array;
  private readonly learningRate: number;
  private steps = 0;

  constructor(count: number, learningRate: number) {
    this.first = new Float64Array(count);
    this.second = new Float64Array(count);
    this.learningRate = learningRate;
  }

  step(values: Float64Array, gradient: ArrayLike<number>): void {
    this.steps++;
    const [firstShare, secondShare] = [1 - 0.9 ** this.steps, 1 - 0.999 ** this.steps];
    for (let i = 0; i < values.length; i++) {
      const slope = gradient[i]!;
      const mean = 0.9 * this.first[i]! + 0.1 * slope;
      const square = 0.999 * this.second[i]! + 0.001 * slope * slope;
      this.first[i] = mean;
      this.second[i] = square;
      values[i] =
        values[i]! - (this.learningRate * mean) / firstShare / (Math.sqrt(square / secondShare) + 1e-8);
    }
  }
}
