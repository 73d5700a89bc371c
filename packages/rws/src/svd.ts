import { innerProduct, norm } from './projection.ts';

/** A matrix M [rows, columns] as Σ singular[i] · left[·, i] · right[i, ·], singular values from the largest down. */
export interface Svd {
  /** min(rows, columns) values. */
  readonly singular: Float64Array;
  /** Orthonormal columns, each an array of `rows` values. */
  readonly left: readonly Float64Array[];
  /** Orthonormal rows, each an array of `columns` values; zero where the singular value vanishes. */
  readonly right: readonly Float64Array[];
}

/**
 * Singular value decomposition in float64: M = L·Q by modified Gram–Schmidt, then one-sided Jacobi rotations (Hestenes)
 * of the rows of the small square L. Takes O(rank² · (rows + columns)) for every one of its about eight sweeps.
 */
export function svd(values: ArrayLike<number>, rows: number, columns: number): Svd {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  // Squares of tiny values would vanish.
  const { singular, left, right } = svdOfUnit(
    Float64Array.from(values, (x) => (largest === 0 ? 0 : x / largest)),
    rows,
    columns,
  );
  return { singular: singular.map((x) => x * largest), left, right };
}

/** The same for values of at most 1. */
function svdOfUnit(values: Float64Array, rows: number, columns: number): Svd {
  if (rows > columns) {
    const { singular, left, right } = svdOfUnit(transposed(values, rows, columns), columns, rows);
    return { singular, left: right, right: left };
  }
  const matrix = Array.from({ length: rows }, (_, i) =>
    Float64Array.from({ length: columns }, (_, j) => values[i * columns + j]!),
  );
  const work = lowerFactor(matrix);
  const basis = work.map((_, i) => Float64Array.from({ length: rows }, (_, j) => Number(i === j)));
  // What rounding leaves of rows that depend on others counts as zero.
  const negligible = 1e-30 * work.reduce((sum, row) => sum + innerProduct(row, row), 0);
  for (let sweep = 0, rotated = true; rotated && sweep < 60; sweep++) {
    rotated = false;
    for (let p = 0; p < rows; p++) {
      for (let q = p + 1; q < rows; q++) rotated = orthogonalize(work, basis, p, q, negligible) || rotated;
    }
  }
  const norms = work.map(norm);
  const order = norms.map((_, i) => i).sort((a, b) => norms[b]! - norms[a]! || a - b);
  const left = order.map((i) => basis[i]!);
  const singular = Float64Array.from(order, (i) => norms[i]!);
  return { singular, left, right: left.map((u, i) => projected(matrix, u, singular[i]!)) };
}

/** The lower triangular L of M = L·Q. A row that depends on those above gets no direction of its own. */
function lowerFactor(matrix: readonly Float64Array[]): Float64Array[] {
  const rows = matrix.length;
  const rest = matrix.map((row) => row.slice());
  const lower = matrix.map(() => new Float64Array(rows));
  for (let k = 0; k < rows; k++) {
    const row = rest[k]!;
    const length = norm(row);
    // Squares of what is smaller are not accurate; float32 values are never so far apart.
    if (length < 1e-100) continue;
    lower[k]![k] = length;
    for (let j = 0; j < row.length; j++) row[j] = row[j]! / length;
    for (let i = k + 1; i < rows; i++) {
      const along = innerProduct(rest[i]!, row);
      lower[i]![k] = along;
      addMultiple(rest[i]!, row, -along);
    }
  }
  return lower;
}

/** Rotates rows p and q of `work` until they are orthogonal, and those of `basis` along; false where they were. */
function orthogonalize(
  work: readonly Float64Array[],
  basis: readonly Float64Array[],
  p: number,
  q: number,
  negligible: number,
): boolean {
  const [a, b] = [work[p]!, work[q]!];
  const inner = innerProduct(a, b);
  const [aa, bb] = [innerProduct(a, a), innerProduct(b, b)];
  if (Math.abs(inner) <= Math.max(1e-14 * Math.sqrt(aa * bb), negligible)) return false;
  const zeta = (bb - aa) / (2 * inner);
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const c = 1 / Math.sqrt(1 + t * t);
  turn(a, b, c, c * t);
  turn(basis[p]!, basis[q]!, c, c * t);
  return true;
}

function turn(a: Float64Array, b: Float64Array, c: number, s: number): void {
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    a[i] = c * x - s * y;
    b[i] = s * x + c * y;
  }
}

/** a ← a + factor · b. */
function addMultiple(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] = a[i]! + factor * b[i]!;
}

/** uᵀM / σ: the right singular vector that belongs to the left one. */
function projected(matrix: readonly Float64Array[], u: Float64Array, singular: number): Float64Array {
  const v = new Float64Array(matrix[0]!.length);
  if (singular === 0) return v;
  for (const [i, row] of matrix.entries()) addMultiple(v, row, u[i]! / singular);
  return v;
}

function transposed(values: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j]!;
  }
  return result;
}
