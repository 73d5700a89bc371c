import { type StateDict, type TensorData, tensorData } from '@proj/tensor-io';
import { canonicalJson } from './json.ts';
import type { SignatureContent } from './signature.ts';

export const signatureFormat = 'rws/1';
/** The key in safetensors' `__metadata__`. */
export const signatureKey = 'rws';

/** Names in the file. No other entry lacks a prefix, so no parameter can be called like the table of scales. */
export const scalesEntry = 'scales';
export const codesEntry = (name: string): string => `codes.${name}`;
export const valuesEntry = (name: string): string => `values.${name}`;

/** The tensors of a signature's file: `codes.NAME` U8 and one table `scales` F32 [tensors, 2], or `values.NAME` F32. */
export function signatureState({ tensors, levels }: SignatureContent): StateDict {
  const state = new Map<string, TensorData>();
  const scales: number[] = [];
  for (const { name, shape, stored } of tensors) {
    if ('values' in stored) {
      state.set(valuesEntry(name), tensorData('F32', shape, stored.values));
    } else {
      state.set(codesEntry(name), { dtype: 'U8', shape: [stored.packed.length], bytes: stored.packed });
      scales.push(stored.lo, stored.hi);
    }
  }
  if (levels !== null) state.set(scalesEntry, tensorData('F32', [tensors.length, 2], scales));
  return state;
}

/** The metadata of a signature's file: canonical JSON. */
export function signatureText(content: SignatureContent): string {
  const { about, fingerprints, k, levels, model, projection, tensors, units } = content;
  return canonicalJson({
    format: signatureFormat,
    about,
    fingerprints,
    k,
    units,
    model,
    projection,
    quantizer: levels === null ? { scheme: 'none' } : { scheme: 'linear', levels },
    tensors: tensors.map(({ stored: _, ...described }) => described),
  });
}
