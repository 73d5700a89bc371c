import { RwsError } from './error.ts';
import { ratio } from './floats.ts';
import { innerProduct } from './projection.ts';
import { dequantizeTensor, type Signature, signatureLabel } from './signature.ts';

/** Cosines from -1 to 1; null where one side is zero and has no direction. */
export interface Similarity {
  readonly perTensor: ReadonlyMap<string, number | null>;
  /** Of the concatenation of all tensors. */
  readonly global: number | null;
}

/**
 * cos = <u, v> / (||u||·||v||) of two signatures as they would be applied (dequantized), in float64. Tensors that are replaced instead of
 * added are left out.
 *
 * @throws {RwsError} `RWS_SIGNATURES_DIFFER` when they do not cover the same tensors with the same shapes.
 */
export function cosineSimilarity(a: Signature, b: Signature): Similarity {
  const { perTensor, global } = cosineMatrices([a, b]);
  return {
    perTensor: new Map([...perTensor].map(([name, matrix]) => [name, matrix[0]![1]!])),
    global: global[0]![1]!,
  };
}

/** Cosines of every pair of several things: row and column i belong to the i-th. */
type Matrix = readonly (readonly (number | null)[])[];

export interface SimilarityMatrices {
  readonly perTensor: ReadonlyMap<string, Matrix>;
  /** Of the concatenation of all tensors. */
  readonly global: Matrix;
}

/**
 * The same of every pair among several signatures: low beside the diagonal where they tell corruptions apart, high for one corruption on several
 * data sets.
 *
 * @throws {RwsError} `RWS_SIGNATURES_DIFFER` when they do not all cover the same tensors with the same shapes.
 */
export function cosineMatrices(signatures: readonly Signature[]): SimilarityMatrices {
  const [first, ...others] = signatures;
  for (const other of others) checkSameTensors(first!, other);
  const total = signatures.map(() => signatures.map(() => 0));
  const perTensor = new Map<string, Matrix>();
  for (const { name } of added(first!)) {
    const values = signatures.map((signature) =>
      dequantizeTensor(signature, signature.tensors.find((tensor) => tensor.name === name)!),
    );
    const products = values.map(() => values.map(() => 0));
    for (const [i, u] of values.entries()) {
      for (let j = 0; j <= i; j++) {
        const product = innerProduct(u, values[j]!);
        products[i]![j] = product;
        products[j]![i] = product;
      }
    }
    for (const [i, row] of products.entries()) {
      for (const [j, product] of row.entries()) total[i]![j]! += product;
    }
    perTensor.set(name, cosines(products));
  }
  return { perTensor, global: cosines(total) };
}

const added = ({ tensors }: Signature) => tensors.filter(({ apply }) => apply === 'add');

function checkSameTensors(a: Signature, b: Signature): void {
  const others = new Map(added(b).map((tensor) => [tensor.name, tensor]));
  const lacking = added(a).filter(({ name, shape }) => others.get(name)?.shape.join() !== shape.join());
  if (lacking.length === 0 && added(a).length === others.size) return;
  const names = lacking.map(({ name }) => `"${name}"`).join(', ') || 'none of the first';
  throw new RwsError(
    'RWS_SIGNATURES_DIFFER',
    `${signatureLabel(a)} covers ${added(a).length} tensors, ${signatureLabel(b)} ${others.size}; not in both with one shape: ${names}. Compare signatures of the same units.`,
  );
}

function cosines(products: readonly (readonly number[])[]): (number | null)[][] {
  return products.map((row, i) =>
    row.map((product, j) => ratio(product, Math.sqrt(products[i]![i]!) * Math.sqrt(products[j]![j]!))),
  );
}
