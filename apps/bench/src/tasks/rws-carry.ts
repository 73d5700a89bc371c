import type { CorruptionName } from '@proj/corruptions';
import { patch, type Signature, searchStrength, transferReport } from '@proj/rws';
import type { StateDict } from '@proj/tensor-io';
import { defineTask, type TaskContext } from '../experiment.ts';
import { type Flavour, startKernels } from './kernels.ts';
import { corruptionSeconds, type NetworkConfig, networkOf, networkSeconds, openNetwork } from './network.ts';
import { type LookedAtConfig, lookedAtSize, openLooks } from './rws-study-images.ts';
import { chosenAlpha, openVariant } from './rws-study-signatures.ts';
import { overheadSeconds } from './speed.ts';

export type CarryConfig = {
  readonly network: NetworkConfig;
  readonly flavour: Flavour;
  readonly study: string;
  readonly corruptions: readonly CorruptionName[];
  readonly alphas: readonly number[];
  readonly validation: LookedAtConfig;
  readonly test: LookedAtConfig;
};

/** Top-1, from 0 to 1. */
type Measured = { readonly clean: number; readonly corrupted: number };

export type CarryResult = {
  readonly corruptions: readonly {
    readonly corruption: CorruptionName;
    readonly standard: Measured;
    /** The signature of the other model, with the units and the strength that were chosen for that one. */
    readonly carried: Measured;
    /** The same, its strength chosen anew on this model's validation images. */
    readonly rechosen: Measured & { readonly alpha: number };
    readonly plain: Measured & { readonly alpha: number };
    /** Extracted from this model's own robust model. */
    readonly own: Measured;
    readonly robust: Measured;
    /** ||model − source|| / ||source|| over the patched tensors. */
    readonly distance: number | null;
    /** Cosine of the patch and of what this model has learned since the common start. */
    readonly alongOwn: number | null;
  }[];
  /** Row: signature as it was carried; column: images; top-1. */
  readonly matrix: readonly (readonly number[])[];
  /** The model as it is, under each corruption. */
  readonly without: readonly number[];
};

/**
 * Puts signatures that `needs['chosen ' + corruption]` extracted from another model on `needs.standard`, which was trained on other images, and
 * compares them with what `needs['own ' + corruption]` extracted from it, and with `needs['robust ' + corruption]`. They were extracted from
 * `needs.source`, which was trained on from `needs.init`.
 */
export const rwsCarry = defineTask<CarryConfig, CarryResult>({
  name: 'rws-carry',
  module: import.meta.url,
  estimate({ network, corruptions, alphas, validation, test }) {
    const n = corruptions.length;
    const images =
      2 * n * (2 * alphas.length * lookedAtSize(validation) + 6 * lookedAtSize(test)) +
      n * n * lookedAtSize(test);
    const made = n * (lookedAtSize(validation) + lookedAtSize(test));
    return {
      seconds: overheadSeconds + made * corruptionSeconds + networkSeconds(networkOf(network, 100), images),
      bytes: 5000,
    };
  },
  run,
});

async function run(context: TaskContext<CarryConfig>): Promise<CarryResult> {
  const { config, needs, signal, progress } = context;
  const { corruptions, alphas } = config;
  await startKernels(config.flavour);
  const { top1Of } = await import('./live-network.ts');
  const { network, state } = await openNetwork(needs['standard']!);
  const [init, source] = await Promise.all(['init', 'source'].map((name) => openNetwork(needs[name]!)));
  const validation = await openLooks(config.validation, context);
  const test = await openLooks(config.test, context);
  const measure = async (weights: StateDict, corruption: CorruptionName): Promise<Measured> => ({
    clean: await top1Of(network, weights, test.clean, { signal }),
    corrupted: await top1Of(network, weights, await test.under(corruption), { signal }),
  });
  const on = async (signature: Signature, alpha: number) =>
    (await patch(state, [{ signature, alpha }], { allowTransfer: true })).state;
  const chosenAnew = async (signature: Signature, corruption: CorruptionName) => {
    const { alpha } = await searchStrength(state, signature, {
      ...{ ks: [signature.k], alphas, refinements: 0, allowTransfer: true },
      evaluate: async (patched) =>
        (await top1Of(network, patched, validation.clean, { signal })) +
        (await top1Of(network, patched, await validation.under(corruption), { signal })),
    });
    return { alpha, ...(await measure(await on(signature, alpha), corruption)) };
  };

  const rows: CarryResult['corruptions'][number][] = [];
  const matrix: number[][] = [];
  for (const corruption of corruptions) {
    const chosen = needs[`chosen ${corruption}`]!;
    const signature = await openVariant(chosen, 'rws');
    const own = await openVariant(needs[`own ${corruption}`]!, 'rws');
    const robust = await openNetwork(needs[`robust ${corruption}`]!);
    const carried = await on(signature, chosenAlpha(signature));
    const { distance, alongOwn } = await transferReport(signature, state, {
      ...{ init: init!.state, standard: source!.state },
    });
    rows.push({
      corruption,
      standard: await measure(state, corruption),
      carried: await measure(carried, corruption),
      rechosen: await chosenAnew(signature, corruption),
      plain: await chosenAnew(await openVariant(chosen, 'plain'), corruption),
      own: await measure(await on(own, chosenAlpha(own)), corruption),
      robust: await measure(robust.state, corruption),
      ...{ distance, alongOwn },
    });
    const row: number[] = [];
    for (const other of corruptions)
      row.push(await top1Of(network, carried, await test.under(other), { signal }));
    matrix.push(row);
    progress(rows.length, corruptions.length, corruption);
  }
  return { corruptions: rows, matrix, without: rows.map(({ standard }) => standard.corrupted) };
}
