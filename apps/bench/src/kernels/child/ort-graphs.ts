import { OnnxGraph } from '@proj/onnx';
import { tensorData } from '@proj/tensor-io';
import { CHECKED, inputValues, type Product } from '../tasks.ts';

/** Shapes as a user would have them: no batch axis of 1. */
export function operandShapes({ batch, m, k, n, transposeA, transposeB }: Product): [number[], number[]] {
  const outer = batch === 1 ? [] : [batch];
  return [
    [...outer, ...(transposeA ? [k, m] : [m, k])],
    [...outer, ...(transposeB ? [n, k] : [k, n])],
  ];
}

export const elements = (shape: readonly number[]): number =>
  shape.reduce((product, axis) => product * axis, 1);

/**
 * One product as an ONNX model with input `a`, and `b` where that is no weight. Only the first row's beginning leaves it, so
 * that no time goes into copying the product out.
 *
 * A transpose stands before the product as an operator of its own; the optimizer merges it into the product, or computes it in
 * advance for a weight.
 */
export function productGraph(product: Product): Uint8Array<ArrayBuffer> {
  const graph = new OnnxGraph('product');
  const [aShape, bShape] = operandShapes(product);
  const a = graph.input('a', aShape);
  const b = product.weight
    ? graph.initializer('b', tensorData('F32', bShape, inputValues(elements(bShape), 1)))
    : graph.input('b', bShape);
  const rank = bShape.length;
  const perm = rank === 2 ? [1, 0] : [0, 2, 1];
  const left = product.transposeA ? graph.node('Transpose', 'a_transposed', [a], { perm }) : a;
  const right = product.transposeB ? graph.node('Transpose', 'b_transposed', [b], { perm }) : b;
  const c = graph.node('MatMul', 'c', [left, right]);
  const row = [1, 1, Math.min(CHECKED, product.n)].slice(-rank);
  const corner = graph.node('Slice', 'corner', [
    c,
    graph.initializer('from', tensorData('I64', [rank], Array<number>(rank).fill(0))),
    graph.initializer('to', tensorData('I64', [rank], row)),
  ]);
  graph.output(corner, row);
  return graph.toBytes();
}
