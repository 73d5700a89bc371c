import type { StateDict, TensorData } from '@proj/tensor-io';
import {
  type BatchNormPolicy,
  type BatchNormRole,
  type BatchNormRoles,
  batchNormRoles,
  treatment,
} from './batch-norm.ts';
import { RwsError } from './error.ts';
import type { ExtractOptions } from './extract.ts';
import { isFloat } from './floats.ts';
import type { Quantizer } from './quantizer.ts';
import type { Projection } from './signature.ts';
import type { Structure } from './storage.ts';

/** One parameter that the signature covers, in all checkpoints: same shape, same float dtype. */
export interface UnitTensor {
  readonly name: string;
  /** null for a replacement. */
  readonly unit: number | null;
  readonly apply: 'add' | 'replace';
  readonly role: BatchNormRole | undefined;
  readonly init: TensorData | undefined;
  readonly standard: TensorData;
  readonly robust: TensorData;
}

/** What the options ask for, with defaults filled in. */
export interface ExtractPlan {
  readonly projection: Projection;
  readonly quantizer: Quantizer;
  readonly structure: Structure;
  readonly batchNorm: BatchNormPolicy;
  readonly roles: BatchNormRoles;
}

export function checkExtractOptions(options: ExtractOptions): ExtractPlan {
  const { init, standard, units, k, projection, structure = { kind: 'dense' } } = options;
  if (!Number.isInteger(k) || k < 1 || k > units.length) {
    throw invalidOption(`k must be an integer from 1 to the number of units, ${units.length}; got ${k}.`);
  }
  const seen = new Set<string>();
  for (const [i, unit] of units.entries()) {
    if (unit.length === 0) throw invalidOption(`unit ${i} is empty; name its parameters or leave it out.`);
    for (const name of unit) {
      if (seen.has(name))
        throw invalidOption(`"${name}" stands in the units twice; a parameter belongs to one.`);
      seen.add(name);
    }
  }
  if (projection === 'orthogonal' && init === undefined) {
    throw invalidOption("projection 'orthogonal' needs init; pass it, or ask for projection 'none'.");
  }
  checkStructure(structure);
  return {
    projection: projection ?? (init === undefined ? 'none' : 'orthogonal'),
    quantizer: quantizerOf(options),
    structure,
    batchNorm: options.batchNorm ?? 'delta',
    roles: options.batchNormRoles ?? batchNormRoles(standard),
  };
}

function quantizerOf({ bits, quantizer }: ExtractOptions): Quantizer {
  if (bits !== undefined && quantizer !== undefined) {
    throw invalidOption('bits is short for a linear quantizer with 2^bits levels; pass it or quantizer.');
  }
  if (quantizer === undefined) return fromBits(bits ?? 4);
  if ('levels' in quantizer && !isIntegerIn(quantizer.levels, 2, 256)) {
    throw invalidOption(
      `levels must be an integer from 2 to 256; got ${quantizer.levels}. Scheme 'none' keeps float32.`,
    );
  }
  return quantizer;
}

function fromBits(bits: number): Quantizer {
  if (bits === 32) return { scheme: 'none' };
  if (isIntegerIn(bits, 2, 8)) return { scheme: 'linear', levels: 2 ** bits };
  throw invalidOption(`bits must be 2 to 8, or 32 for plain float32; got ${bits}.`);
}

function checkStructure(structure: Structure): void {
  if (structure.kind === 'sparse' && !isShare(structure.density)) {
    throw invalidOption(`density must be above 0 and at most 1; got ${structure.density}.`);
  }
  if (structure.kind !== 'low-rank') return;
  if ('rank' in structure ? !isIntegerIn(structure.rank, 1, 2 ** 30) : !isShare(structure.energy)) {
    throw invalidOption(
      `low-rank storage takes a rank of at least 1, or an energy above 0 and at most 1; got ${JSON.stringify(structure)}.`,
    );
  }
}

const isIntegerIn = (x: number, low: number, high: number) => Number.isInteger(x) && x >= low && x <= high;
const isShare = (x: number) => x > 0 && x <= 1;

/**
 * Looks up in every checkpoint what the signature covers: of the first `k` units what is added, and of the whole network
 * what is replaced. Further units are looked up by name. Everything that does not fit is reported at once.
 */
export function checkStates(
  { init, standard, robust, units, k }: ExtractOptions,
  { batchNorm, roles }: ExtractPlan,
): UnitTensor[] {
  const wanted: Pick<UnitTensor, 'name' | 'unit' | 'apply'>[] = [];
  for (const [unit, names] of units.slice(0, k).entries()) {
    for (const name of names) {
      if (treatment(batchNorm, roles.get(name)) === 'add') wanted.push({ name, unit, apply: 'add' });
    }
  }
  for (const [name, role] of roles) {
    if (treatment(batchNorm, role) === 'replace') wanted.push({ name, unit: null, apply: 'replace' });
  }
  const problems: string[] = [];
  const tensors: UnitTensor[] = [];
  for (const { name, unit, apply } of wanted) {
    const found = [...(init === undefined || apply === 'replace' ? [] : [find('init', init, name)])];
    found.push(find('standard', standard, name), find('robust', robust, name));
    const lacking = found.filter(({ tensor }) => tensor === undefined);
    const forms = found.map(({ tensor }) => (tensor === undefined ? '' : formOf(tensor)));
    if (lacking.length > 0) {
      problems.push(`"${name}" is missing in ${lacking.map(({ of }) => of).join(' and ')}`);
    } else if (new Set(forms).size > 1) {
      problems.push(`"${name}" is ${found.map(({ of }, i) => `${forms[i]} in ${of}`).join(', ')}`);
    } else if (!isFloat(found[0]!.tensor!.dtype)) {
      problems.push(`"${name}" is ${forms[0]}, no float tensor: leave it out of the units`);
    } else {
      const [robustOne, standardOne, initOne] = found.map(({ tensor }) => tensor!).reverse();
      tensors.push({
        ...{ name, unit, apply, role: roles.get(name) },
        ...{ init: initOne, standard: standardOne!, robust: robustOne! },
      });
    }
  }
  for (const name of units.slice(k).flat()) {
    if (!standard.has(name)) problems.push(`"${name}", beyond the first ${k} units, is missing in standard`);
  }
  if (problems.length > 0) {
    throw new RwsError(
      'RWS_STATES_DIFFER',
      `${problems.length} of the parameters in the units do not fit: ${problems.join('; ')}.`,
    );
  }
  return tensors;
}

function find(of: string, state: StateDict, name: string) {
  return { of, tensor: state.get(name) };
}

function formOf({ dtype, shape }: TensorData): string {
  return `${dtype} [${shape.join(', ')}]`;
}

function invalidOption(what: string): RwsError {
  return new RwsError('RWS_OPTION_INVALID', what);
}
