/** A signature's share in one tensor: trimmed values and how they enter. */
export interface TrimmedTerm {
  readonly alpha: number;
  readonly values: Float32Array;
}

/**
 * Sets `delta` to the mean, over the terms whose v has the elected sign, of α·v; 0 where none has. The sign of a position is that of Σ v, or of
 * Σ sgn v with `count`, and plus where that is 0: peft's `ties`, which elects before it weights.
 */
export function mergePeft(delta: Float64Array, terms: readonly TrimmedTerm[], elect: 'mass' | 'count'): void {
  for (let i = 0; i < delta.length; i++) {
    let votes = 0;
    for (const { values } of terms) votes += elect === 'mass' ? values[i]! : Math.sign(values[i]!);
    const plus = votes >= 0;
    let sum = 0;
    let agreeing = 0;
    for (const { alpha, values } of terms) {
      const value = values[i]!;
      if (value !== 0 && value > 0 === plus) {
        sum += alpha * value;
        agreeing++;
      }
    }
    delta[i] = agreeing === 0 ? 0 : sum / agreeing;
  }
}

/**
 * Sets `delta` to the mean, over the terms whose sgn(α)·v has the elected sign, of α·v; 0 where none has. The sign of a position is that of
 * Σ sgn(α)·v, and `otherwise` where that is 0.
 */
export function mergePaper(delta: Float64Array, terms: readonly TrimmedTerm[], otherwise: number): void {
  const votes = massOf(terms, delta.length);
  for (let i = 0; i < delta.length; i++) {
    const plus = (votes[i] === 0 ? otherwise : votes[i]!) > 0;
    let sum = 0;
    let agreeing = 0;
    for (const { alpha, values } of terms) {
      const value = alpha * values[i]!;
      if (value !== 0 && value > 0 === plus) {
        sum += value;
        agreeing++;
      }
    }
    delta[i] = agreeing === 0 ? 0 : sum / agreeing;
  }
}

/** Positions of one tensor where Σ sgn(α)·v is positive minus those where it is negative. */
export function signBalance(terms: readonly TrimmedTerm[], length: number): number {
  let balance = 0;
  for (const vote of massOf(terms, length)) balance += Math.sign(vote);
  return balance;
}

function massOf(terms: readonly TrimmedTerm[], length: number): Float64Array {
  const votes = new Float64Array(length);
  for (const { alpha, values } of terms) {
    const sign = Math.sign(alpha);
    for (let i = 0; i < length; i++) votes[i] = votes[i]! + sign * values[i]!;
  }
  return votes;
}
