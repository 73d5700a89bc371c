import { RwsError } from './error.ts';
import { type Signature, type SignatureTensor, signatureLabel } from './signature.ts';

/** How strongly a signature is applied: one α for all of it, others for single units and tensors. */
export interface Strength {
  /** Any finite number: 1 as extracted, 0 nothing, negative the opposite. */
  readonly alpha: number;
  /** α of whole units by their index in the signature (from 0), in place of `alpha`. */
  readonly units?: ReadonlyMap<number, number>;
  /** α of single tensors by their names, in place of `alpha` and of their unit's. */
  readonly tensors?: ReadonlyMap<string, number>;
}

/** A signature and its strength. */
export interface Application extends Strength {
  readonly signature: Signature;
}

/** The α that a tensor of the signature is applied with. */
export function alphaOf(
  { alpha, units, tensors }: Strength,
  { name, unit }: Pick<SignatureTensor, 'name' | 'unit'>,
): number {
  return tensors?.get(name) ?? (unit === null ? undefined : units?.get(unit)) ?? alpha;
}

/** The strength that leaves out all but the first `k` units: the signature as it would have been extracted with that k. */
export function firstUnits(signature: Pick<Signature, 'k'>, k: number, alpha: number): Strength {
  const deeper = Array.from({ length: signature.k - k }, (_, i): [number, number] => [k + i, 0]);
  return deeper.length === 0 ? { alpha } : { alpha, units: new Map(deeper) };
}

/**
 * Refuses what would be skipped silently or spread nonsense.
 *
 * @throws {RwsError} `RWS_OPTION_INVALID` for an α that is not finite and for units and tensors that the signature lacks or
 * replaces, which is all or nothing.
 */
export function checkStrength(signature: Signature, { alpha, units, tensors }: Strength): void {
  const all: [string, number][] = [
    ['alpha', alpha],
    ...[...(units ?? [])].map(([unit, value]): [string, number] => [`alpha of unit ${unit}`, value]),
    ...[...(tensors ?? [])].map(([name, value]): [string, number] => [`alpha of "${name}"`, value]),
  ];
  for (const [what, value] of all) {
    if (!Number.isFinite(value)) {
      throw new RwsError('RWS_OPTION_INVALID', `${what} must be a finite number, got ${value}.`);
    }
  }
  const names = new Set(signature.tensors.filter(({ apply }) => apply === 'add').map(({ name }) => name));
  const foreign = [
    ...[...(units?.keys() ?? [])].filter(
      (unit) => !(Number.isInteger(unit) && unit >= 0 && unit < signature.k),
    ),
    ...[...(tensors?.keys() ?? [])].filter((name) => !names.has(name)).map((name) => JSON.stringify(name)),
  ];
  if (foreign.length > 0) {
    throw new RwsError(
      'RWS_OPTION_INVALID',
      `${signatureLabel(signature)} has ${signature.k} units, counted from 0, and adds to ${names.size} tensors; among them are not: ${foreign.join(', ')}.`,
    );
  }
}
