import type { StateDict, TensorData } from '@proj/tensor-io';
import { RwsError } from './error.ts';
import type { ExtractOptions } from './extract.ts';
import { isFloat } from './floats.ts';
import type { Projection } from './signature.ts';

/** One parameter of the first `k` units in all checkpoints: same shape, same float dtype. */
export interface UnitTensor {
  readonly name: string;
  readonly unit: number;
  readonly init: TensorData | undefined;
  readonly standard: TensorData;
  readonly robust: TensorData;
}

/** The projection and the quantizer's levels (null for float32) that the options ask for. */
export function checkExtractOptions({ init, units, k, projection, bits = 4 }: ExtractOptions): {
  projection: Projection;
  levels: number | null;
} {
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
  if (bits !== 32 && !(Number.isInteger(bits) && bits >= 2 && bits <= 8)) {
    throw invalidOption(`bits must be 2 to 8, or 32 for plain float32; got ${bits}.`);
  }
  if (projection === 'orthogonal' && init === undefined) {
    throw invalidOption("projection 'orthogonal' needs init; pass it, or ask for projection 'none'.");
  }
  return {
    projection: projection ?? (init === undefined ? 'none' : 'orthogonal'),
    levels: bits === 32 ? null : 2 ** bits,
  };
}

/** Looks the first `k` units up in every checkpoint, further ones by name, and reports everything that does not fit at once. */
export function checkStates({ init, standard, robust, units, k }: ExtractOptions): UnitTensor[] {
  const problems: string[] = [];
  const tensors: UnitTensor[] = [];
  for (const [unit, names] of units.slice(0, k).entries()) {
    for (const name of names) {
      const found = [...(init === undefined ? [] : [find('init', init, name)])];
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
        tensors.push({ name, unit, init: initOne, standard: standardOne!, robust: robustOne! });
      }
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
