import { dequantizeTensor } from './signature.ts';
import { type Application, alphaOf } from './strength.ts';

/** How far two signatures pull one tensor, or all they share, into opposite directions. */
export interface Conflict {
  /** Cosine of what both add, α included; from −1 to 1, null where one adds nothing. */
  readonly cosine: number | null;
  /** Of the elements that both move, how many they move in opposite directions, 0 to 1; null where they move none together. */
  readonly signConflicts: number | null;
}

/** Two signatures on one model, by their ids. */
export interface PairConflict extends Conflict {
  readonly first: string;
  readonly second: string;
  /** The tensors that both add to, in the order of the first. */
  readonly tensors: readonly (Conflict & { readonly name: string })[];
}

/**
 * Compares every two of the signatures as they are applied, before any composition rule: what the sum would partly cancel. Tensors that
 * a signature replaces or leaves alone (α = 0) are not compared.
 */
export function conflicts(applied: readonly Application[]): PairConflict[] {
  return applied.flatMap((first, i) => applied.slice(i + 1).map((second) => conflictOf(first, second)));
}

function conflictOf(first: Application, second: Application): PairConflict {
  const total = new Tally();
  const tensors: (Conflict & { name: string })[] = [];
  const others = new Map(second.signature.tensors.map((tensor) => [tensor.name, tensor]));
  for (const tensor of first.signature.tensors) {
    const other = others.get(tensor.name);
    if (other === undefined || tensor.apply === 'replace' || other.apply === 'replace') continue;
    const [a, b] = [alphaOf(first, tensor), alphaOf(second, other)];
    if (a === 0 || b === 0) continue;
    const tally = new Tally();
    tally.count(a, dequantizeTensor(first.signature, tensor), b, dequantizeTensor(second.signature, other));
    total.add(tally);
    tensors.push({ name: tensor.name, ...tally.conflict() });
  }
  return { first: first.signature.id, second: second.signature.id, ...total.conflict(), tensors };
}

class Tally {
  #inner = 0;
  #firstSquares = 0;
  #secondSquares = 0;
  #both = 0;
  #opposite = 0;

  count(a: number, u: Float32Array, b: number, v: Float32Array): void {
    for (let i = 0; i < u.length; i++) {
      const x = a * u[i]!;
      const y = b * v[i]!;
      this.#inner += x * y;
      this.#firstSquares += x * x;
      this.#secondSquares += y * y;
      if (x !== 0 && y !== 0) {
        this.#both++;
        if (x > 0 !== y > 0) this.#opposite++;
      }
    }
  }

  add(other: Tally): void {
    this.#inner += other.#inner;
    this.#firstSquares += other.#firstSquares;
    this.#secondSquares += other.#secondSquares;
    this.#both += other.#both;
    this.#opposite += other.#opposite;
  }

  conflict(): Conflict {
    const norms = Math.sqrt(this.#firstSquares) * Math.sqrt(this.#secondSquares);
    return {
      cosine: norms === 0 ? null : this.#inner / norms,
      signConflicts: this.#both === 0 ? null : this.#opposite / this.#both,
    };
  }
}
