import { cosineSimilarity } from '@proj/rws';
import { defineTask } from '../experiment.ts';
import { signaturesOf } from './signatures.ts';
import { overheadSeconds } from './speed.ts';

export type CompareResult = {
  /** Ids of the signatures, and how they are called. */
  readonly signatures: readonly { readonly id: string; readonly name: string }[];
  /** Cosines of all pairs over all tensors together; null where one is zero. */
  readonly cosines: readonly (readonly (number | null)[])[];
};

/** How alike signatures of the same units are: those among `needs` that are called `signature ...`. */
export const rwsCompare = defineTask<Record<string, never>, CompareResult>({
  name: 'rws-compare',
  module: import.meta.url,
  estimate: () => ({ seconds: overheadSeconds, bytes: 1000 }),
  async run({ needs }) {
    const signatures = [...(await signaturesOf(needs)).values()];
    return {
      signatures: signatures.map(({ id, about }) => ({ id, name: about.name ?? id })),
      cosines: signatures.map((a) => signatures.map((b) => cosineSimilarity(a, b).global)),
    };
  },
});
