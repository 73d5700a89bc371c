import type { EvaluateQuantizedResult } from './evaluate-config.ts';

/** Logits [n][classes], one after another. */
export interface Logits {
  readonly values: ArrayLike<number>;
  readonly classes: number;
}

export type Comparison = Omit<EvaluateQuantizedResult, 'model' | 'float'>;

/** Counts over many batches how a model does, and how near it comes to the float one. */
export class LogitsComparison {
  readonly #classes: readonly number[];
  readonly #right: boolean[] = [];
  #loss = 0;
  #agreed = 0;
  #kl = 0;

  /** @param classes the logits that count; labels are among them. */
  constructor(classes: readonly number[]) {
    this.#classes = classes;
  }

  /** @throws {RangeError} for a label that is not among the classes. */
  add(labels: ArrayLike<number>, model: Logits, float: Logits): void {
    for (let i = 0; i < labels.length; i++) {
      const label = this.#classes.indexOf(labels[i]!);
      if (label < 0) throw new RangeError(`label ${labels[i]} is not among the classes that are compared`);
      const [ours, theirs] = [this.#row(model, i), this.#row(float, i)];
      const [guess, reference] = [largest(ours), largest(theirs)];
      const [logQ, logP] = [logSoftmax(ours), logSoftmax(theirs)];
      this.#right.push(guess === label);
      if (guess === reference) this.#agreed++;
      this.#loss -= logQ[label]!;
      for (const [c, log] of logP.entries()) this.#kl += Math.exp(log) * (log - logQ[c]!);
    }
  }

  /** @throws {RangeError} where nothing was added. */
  result(): Comparison {
    const images = this.#right.length;
    if (images === 0) throw new RangeError('no images were compared');
    const right = this.#right.filter(Boolean).length;
    return {
      images,
      right,
      top1: right / images,
      loss: this.#loss / images,
      agreement: this.#agreed / images,
      kl: this.#kl / images,
      rightImages: bitsToBase64(this.#right),
    };
  }

  #row({ values, classes }: Logits, i: number): Float64Array {
    return Float64Array.from(this.#classes, (c) => values[i * classes + c]!);
  }
}

/** Of equal ones the first, as in evaluations everywhere. */
const largest = (row: Float64Array): number => row.indexOf(Math.max(...row));

function logSoftmax(row: Float64Array): Float64Array {
  const top = Math.max(...row);
  const log = top + Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0));
  return row.map((value) => value - log);
}

function bitsToBase64(bits: readonly boolean[]): string {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) if (bit) bytes[i >> 3]! |= 1 << (i & 7);
  return Buffer.from(bytes).toString('base64');
}

/** The bits of `rightImages`. */
export function rightImagesOf({
  rightImages,
  images,
}: Pick<Comparison, 'rightImages' | 'images'>): boolean[] {
  const bytes = Buffer.from(rightImages, 'base64');
  return Array.from({ length: images }, (_, i) => ((bytes[i >> 3]! >> (i & 7)) & 1) === 1);
}
