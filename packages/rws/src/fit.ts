import type { StateDict } from '@proj/tensor-io';
import { type Mismatch, SignatureMismatchError } from './error.ts';
import { isFloat } from './floats.ts';
import { hashTensors } from './hashing.ts';
import { type Signature, signatureLabel, tensorsSha256 } from './signature.ts';

/**
 * Verifies a signature against a model before anything is touched; true when the model is not the one that it was
 * extracted from (a transfer). `fingerprints` caches the hashes of the model's tensors and is filled.
 *
 * @throws {SignatureMismatchError} when a tensor is missing, has another shape or no float dtype, or, without
 * `allowTransfer`, other content.
 */
export async function checkFit(
  signature: Signature,
  base: StateDict,
  fingerprints: Map<string, string>,
  allowTransfer: boolean,
): Promise<boolean> {
  const misfits = misfitsOf(signature, base);
  if (misfits.length > 0) throw misfitError(signature, misfits);
  await hashTensors(
    base,
    signature.tensors.map(({ name }) => name),
    fingerprints,
  );
  const foreign = signature.tensors.flatMap(({ name, standard }): Mismatch[] => {
    const sha256 = fingerprints.get(name)!;
    const detail = `${standard.slice(0, 12)} in the signature, ${sha256.slice(0, 12)} in the model`;
    return sha256 === standard ? [] : [{ tensor: name, reason: 'content', detail }];
  });
  if (foreign.length > 0 && !allowTransfer) throw await foreignError(signature, foreign, fingerprints);
  return foreign.length > 0;
}

/** The tensors that no patch can be made to, and why; contents are not looked at. */
export function misfitsOf(signature: Signature, base: StateDict): Mismatch[] {
  const misfits: Mismatch[] = [];
  for (const { name, shape } of signature.tensors) {
    const tensor = base.get(name);
    if (tensor === undefined) {
      misfits.push({ tensor: name, reason: 'missing', detail: 'the model has no such tensor' });
    } else if (tensor.shape.join() !== shape.join()) {
      const detail = `[${shape.join(', ')}] in the signature, [${tensor.shape.join(', ')}] in the model`;
      misfits.push({ tensor: name, reason: 'shape', detail });
    } else if (!isFloat(tensor.dtype)) {
      const detail = `${tensor.dtype} in the model; patches need F64, F32, F16 or BF16`;
      misfits.push({ tensor: name, reason: 'dtype', detail });
    }
  }
  return misfits;
}

function misfitError(signature: Signature, mismatches: readonly Mismatch[]): SignatureMismatchError {
  const reasons = mismatches.map(({ tensor, reason, detail }) => `"${tensor}" ${reason}: ${detail}`);
  return new SignatureMismatchError(
    `${signatureLabel(signature)} does not fit this model: ${mismatches.length} of ${signature.tensors.length} tensors (${reasons.join('; ')}); it needs the same architecture.`,
    mismatches,
  );
}

async function foreignError(
  signature: Signature,
  mismatches: readonly Mismatch[],
  fingerprints: ReadonlyMap<string, string>,
): Promise<SignatureMismatchError> {
  const { tensors } = signature;
  const model = await tensorsSha256(tensors.map(({ name }) => [name, fingerprints.get(name)!]));
  const names = mismatches.map(({ tensor }) => `"${tensor}"`);
  return new SignatureMismatchError(
    `${signatureLabel(signature)} was extracted from base ${signature.fingerprints.standard.slice(0, 12)}, this model is ${model.slice(0, 12)}; pass allowTransfer to apply it anyway (${mismatches.length} of ${tensors.length} tensors differ in content: ${names.join(', ')}).`,
    mismatches,
  );
}
