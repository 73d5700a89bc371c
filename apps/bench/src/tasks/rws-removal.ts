import { openPatched, type PatchedModel, patch, unpatch } from '@proj/rws';
import { stateSha256 } from '@proj/tensor-io';
import { defineTask } from '../experiment.ts';
import { openNetwork } from './network.ts';
import { overheadSeconds } from './speed.ts';

export type RemovalResult = {
  /** SHA-256 of the parameters before any patch. */
  readonly before: string;
  readonly patched: string;
  /** After taking off every signature of the patched file, in this order. */
  readonly after: readonly { readonly order: string; readonly sha256: string }[];
  /** After taking off one signature only, and what patching the model with the others alone gives. */
  readonly partial: readonly {
    readonly removed: string;
    readonly sha256: string;
    readonly expected: string;
  }[];
  /** Whether every bit came back each time. */
  readonly exact: boolean;
};

/** Opens the patched model that `needs.patched` left, with nothing else at hand, and takes its signatures off in several orders. */
export const rwsRemoval = defineTask<Record<string, never>, RemovalResult>({
  name: 'rws-removal',
  module: import.meta.url,
  estimate: () => ({ seconds: overheadSeconds, bytes: 1000 }),
  async run({ needs }) {
    const standard = await openNetwork(needs['model']!);
    const file = await openNetwork(needs['patched']!);
    const { model } = await openPatched(file.state, file.metadata);
    const ids = model.applied.map(({ signature }) => signature.id);
    const nameOf = (id: string) =>
      model.applied.find(({ signature }) => signature.id === id)!.signature.about.name ?? id;

    const after: RemovalResult['after'][number][] = [];
    for (const order of ordersOf(ids)) {
      const { state } = order.reduce<PatchedModel>((rest, id) => unpatch(rest, id), model);
      after.push({ order: order.map(nameOf).join(', then '), sha256: await stateSha256(state) });
    }
    const partial: RemovalResult['partial'][number][] = [];
    for (const id of ids.length > 1 ? ids : []) {
      const others = model.applied.filter(({ signature }) => signature.id !== id);
      partial.push({
        removed: nameOf(id),
        sha256: await stateSha256(unpatch(model, id).state),
        expected: await stateSha256((await patch(standard.state, others)).state),
      });
    }
    const exact =
      after.every(({ sha256 }) => sha256 === standard.sha256) &&
      partial.every(({ sha256, expected }) => sha256 === expected);
    return { before: standard.sha256, patched: file.sha256, after, partial, exact };
  },
});

/** First to last, and every rotation of last to first. */
function ordersOf(ids: readonly string[]): string[][] {
  if (ids.length === 1) return [[...ids]];
  const backwards = [...ids].reverse();
  return [[...ids], ...ids.slice(1).map((_, i) => [...backwards.slice(i), ...backwards.slice(0, i)])];
}
