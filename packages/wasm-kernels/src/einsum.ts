import {
  backend_util,
  Einsum,
  type KernelConfig,
  matMul,
  reshape,
  sum,
  type Tensor,
  tidy,
  transpose,
  util,
} from '@tensorflow/tfjs-core';

/** What an axis of an operand is to the sum of products. */
type Role = 'batch' | 'own' | 'summed';

/**
 * `Einsum`, which tfjs's wasm backend lacks: what `tf.einsum` accepts (one or two operands, no label twice in one, no ellipsis), by
 * one product of matrices.
 */
export const einsumKernel: KernelConfig = {
  kernelName: Einsum,
  backendName: 'wasm',
  kernelFunc({ inputs, attrs }) {
    const tensors = Object.values(inputs) as Tensor[];
    const { equation } = attrs as unknown as { equation: string };
    const { idDims } = backend_util.decodeEinsumEquation(equation, tensors.length);
    backend_util.checkEinsumDimSizes(new Set(idDims.flat()).size, idDims, tensors);
    const [terms, output] = equation.replace(/\s/g, '').split('->') as [string, string];
    const [left, right] = terms.split(',') as [string, string?];
    return tidy(() =>
      right === undefined
        ? arrange(tensors[0]!, left, output)
        : product(tensors[0]!, left, tensors[1]!, right, output),
    );
  },
};

/** Sums the labels that are not among `wanted` and brings the others into that order. */
function arrange(x: Tensor, labels: string, wanted: string): Tensor {
  const lone = [...labels].flatMap((label, axis) => (wanted.includes(label) ? [] : [axis]));
  const left = [...labels].filter((label) => wanted.includes(label));
  const summed = lone.length > 0 ? sum(x, lone) : x;
  return transpose(
    summed,
    [...wanted].map((label) => left.indexOf(label)),
  );
}

/** Both operands as batches of matrices [own, summed] and [summed, own], and their product. */
function product(a: Tensor, labelsA: string, b: Tensor, labelsB: string, output: string): Tensor {
  const role = (label: string, others: string): Role =>
    others.includes(label) ? (output.includes(label) ? 'batch' : 'summed') : 'own';
  const pick = (labels: string, others: string, wanted: Role): string =>
    [...labels].filter((label) => role(label, others) === wanted).join('');
  const batch = pick(labelsA, labelsB, 'batch');
  const summed = pick(labelsA, labelsB, 'summed');
  // Labels that only one operand has and nobody asks for are summed before.
  const ownA = [...pick(labelsA, labelsB, 'own')].filter((label) => output.includes(label)).join('');
  const ownB = [...pick(labelsB, labelsA, 'own')].filter((label) => output.includes(label)).join('');

  const sizes = new Map<string, number>();
  for (const [i, label] of [...labelsA].entries()) sizes.set(label, a.shape[i]!);
  for (const [i, label] of [...labelsB].entries()) sizes.set(label, b.shape[i]!);
  const shape = (labels: string): number[] => [...labels].map((label) => sizes.get(label)!);
  /** [batch, rows, columns], read transposed where the operand already lies the other way round. */
  const matrices = (x: Tensor, labels: string, rows: string, columns: string): [Tensor, boolean] => {
    const isTransposed = labels === batch + columns + rows;
    const order = isTransposed ? [batch, columns, rows] : [batch, rows, columns];
    const sizes = order.map((part) => util.sizeFromShape(shape(part)));
    return [reshape(arrange(x, labels, order.join('')), sizes), isTransposed];
  };
  const [left, transposeLeft] = matrices(a, labelsA, ownA, summed);
  const [right, transposeRight] = matrices(b, labelsB, summed, ownB);
  const y = matMul(left, right, transposeLeft, transposeRight);
  return arrange(reshape(y, shape(batch + ownA + ownB)), batch + ownA + ownB, output);
}
