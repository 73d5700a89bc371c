import { broadcastTo, matMul as product, reshape, sum, type Tensor } from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { requireFloat, requireShapes } from './shapes.ts';

/**
 * Matrix product of the last two axes of `a` [..., M, K] and `b` [..., K, N] (stored transposed where so flagged) -> [..., M, N], float32.
 *
 * Batch axes broadcast as in NumPy, also where both sides are broadcast and where ranks differ, which tfjs's `matMul` and its gradient get wrong.
 *
 * @throws {OpsError} `OPS_SHAPE_MISMATCH`, `OPS_BAD_DTYPE`.
 */
export function matMul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  requireFloat('matMul', { a, b });
  requireShapes(a.rank >= 2 && b.rank >= 2, 'matMul', 'two tensors of rank 2 or more', { a, b });
  const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
  requireShapes(
    (transposeA ? rowsA : columnsA) === (transposeB ? columnsB : rowsB),
    `matMul(transposeA = ${transposeA}, transposeB = ${transposeB})`,
    'equal inner sizes',
    { a, b },
  );
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  requireShapes(batch !== undefined, 'matMul', 'batch axes that are equal or 1', { a, b });

  return differentiable([a, b], ([a, b]) => ({
    value: batched(a!, b!, transposeA, transposeB, batch),
    saved: [a!, b!],
    gradient: (dy, [a, b]) => {
      const gradients = matMulGradients(dy, a!, b!, transposeA, transposeB);
      return [gradients.a(), gradients.b()];
    },
  }));
}

/** da and db of a product of any broadcast, each computed when it is asked for. */
export function matMulGradients(
  dy: Tensor,
  a: Tensor,
  b: Tensor,
  transposeA: boolean,
  transposeB: boolean,
): Readonly<Record<'a' | 'b', () => Tensor>> {
  const batch = dy.shape.slice(0, -2);
  // One right matrix for all: the rows of a batch are the rows of one taller matrix, and its gradient is one product, where
  // the general way would make a gradient for each of the batch and sum those.
  const tall = !transposeA && count(b.shape.slice(0, -2)) === 1;
  const rows = (x: Tensor): Tensor => reshape(x, [count(x.shape.slice(0, -1)), x.shape.at(-1)!]);
  const gradientB = (): Tensor => {
    if (tall)
      return transposeB ? product(rows(dy), rows(a), true, false) : product(rows(a), rows(dy), true, false);
    return transposeB ? batched(dy, a, true, transposeA, batch) : batched(a, dy, !transposeA, false, batch);
  };
  return {
    a: () =>
      reduceTo(
        transposeA ? batched(b, dy, transposeB, true, batch) : batched(dy, b, false, !transposeB, batch),
        a.shape,
      ),
    b: () => reduceTo(gradientB(), b.shape),
  };
}

/** The product with as few batches expanded as tfjs's kernels need: they read one batch size repeated as a whole, or none. */
function batched(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean, batch: number[]): Tensor {
  const all = count(batch);
  const flat = (x: Tensor): Tensor => {
    const own = count(x.shape.slice(0, -2));
    const matrix = x.shape.slice(-2) as [number, number];
    const whole = own === all || own === 1 ? x : broadcastTo(x, [...batch, ...matrix]);
    return reshape(whole, [own === 1 ? 1 : all, ...matrix]);
  };
  const value = product(flat(a), flat(b), transposeA, transposeB);
  return reshape(value, [...batch, ...value.shape.slice(-2)]);
}

const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function broadcastShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const sizeA = a[axis - rank + a.length] ?? 1;
    const sizeB = b[axis - rank + b.length] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) return undefined;
    shape.push(sizeA === 1 ? sizeB : sizeA);
  }
  return shape;
}

/** The adjoint of broadcasting: sums `x` over the axes along which `shape` was repeated. */
export function reduceTo(x: Tensor, shape: readonly number[]): Tensor {
  const extra = x.rank - shape.length;
  const axes = x.shape.flatMap((size, axis) => (axis < extra || shape[axis - extra] !== size ? [axis] : []));
  return reshape(axes.length > 0 ? sum(x, axes) : x, [...shape]);
}
