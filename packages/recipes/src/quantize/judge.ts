/** What logits say of an image of a known class. */
export interface Judgement {
  /** Of the largest logit; the first of equal ones. */
  readonly predicted: number;
  /** -log softmax at the label, in nats. */
  readonly loss: number;
}

/** A model's logits beside a teacher's. */
export interface Beside {
  /** The teacher's `predicted`. */
  readonly predicted: number;
  /** KL(softmax(teacher) || softmax(model)) in nats. */
  readonly divergence: number;
}

export function judgeLogits(logits: ArrayLike<number>, label: number): Judgement {
  return { predicted: largest(logits), loss: -logSoftmax(logits)[label]! };
}

export function compareLogits(logits: ArrayLike<number>, teacher: ArrayLike<number>): Beside {
  const [own, theirs] = [logSoftmax(logits), logSoftmax(teacher)];
  let divergence = 0;
  for (const [i, log] of theirs.entries()) divergence += Math.exp(log) * (log - own[i]!);
  // Rounding can leave a hair less than nothing.
  return { predicted: largest(teacher), divergence: Math.max(0, divergence) };
}

function largest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** In float64. */
function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const top = values[largest(values)]!;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - top);
  const log = top + Math.log(sum);
  return values.map((value) => value - log);
}
