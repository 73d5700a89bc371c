// What the operations mean, in float64 and plain loops: the oracle of the tests.

/** [batch, m, k] x [batch, k, n] -> [batch, m, n]. */
export function batchProduct(
  a: Float64Array,
  b: Float64Array,
  batch: number,
  m: number,
  k: number,
  n: number,
): Float64Array {
  const c = new Float64Array(batch * m * n);
  for (let t = 0; t < batch; t++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++)
        for (let l = 0; l < k; l++)
          c[(t * m + i) * n + j]! += a[(t * m + i) * k + l]! * b[(t * k + l) * n + j]!;
  return c;
}

/** Exchanges the last two axes of [batch, rows, columns]. */
export function transposed(x: Float64Array, batch: number, rows: number, columns: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let t = 0; t < batch; t++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) y[(t * columns + j) * rows + i] = x[(t * rows + i) * columns + j]!;
  return y;
}

/** Applies a function to each row of [rows, width]. */
export function byRow(x: Float64Array, width: number, f: (row: Float64Array) => Float64Array): Float64Array {
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) y.set(f(x.subarray(start, start + width)), start);
  return y;
}

export function softmaxRow(row: Float64Array): Float64Array {
  const largest = Math.max(...row);
  const e = row.map((x) => Math.exp(x - largest));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / sum);
}

export function normalizedRow(row: Float64Array, eps: number): Float64Array {
  const mean = row.reduce((a, b) => a + b, 0) / row.length;
  const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
  return row.map((x) => (x - mean) / Math.sqrt(variance + eps));
}

/** The error function by its Maclaurin series, exact to double precision for |x| < 5. */
export function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** softmax(scale q kᵀ + mask) v on [batch, n, d], [batch, m, d], [batch, m, e]; `mask` says what is added to score [batch, n, m]. */
export function attention(
  q: Float64Array,
  k: Float64Array,
  v: Float64Array,
  { batch, n, m, d, e, scale }: { batch: number; n: number; m: number; d: number; e: number; scale: number },
  mask: (i: number) => number = () => 0,
): Float64Array {
  const products = batchProduct(q, transposed(k, batch, m, d), batch, n, d, m);
  const scores = products.map((x, i) => scale * x + mask(i));
  return batchProduct(byRow(scores, m, softmaxRow), v, batch, n, m, e);
}
