import type { CorruptionName } from '@proj/corruptions';
import { extract, firstUnits, inspect, patch, type Quantizer, type Structure, scale } from '@proj/rws';
import { defineTask, type TaskContext } from '../experiment.ts';
import { type Flavour, startKernels } from './kernels.ts';
import {
  corruptionSeconds,
  type NetworkConfig,
  networkOf,
  networkSeconds,
  openNetwork,
  unitsOf,
} from './network.ts';
import { type LookedAtConfig, lookedAtSize, openLooks } from './rws-study-images.ts';
import { chosenAlpha, openVariant } from './rws-study-signatures.ts';
import { overheadSeconds } from './speed.ts';

/** A way to store a signature. */
export type StorageConfig = {
  readonly name: string;
  readonly quantizer: Quantizer;
  readonly structure: Structure;
};

export type SweepConfig = {
  readonly network: NetworkConfig;
  readonly flavour: Flavour;
  readonly study: string;
  readonly corruption: CorruptionName;
  readonly test: LookedAtConfig;
  readonly alphas: readonly number[];
  readonly storages: readonly StorageConfig[];
};

/** Top-1, from 0 to 1. */
type Point = { readonly clean: number; readonly corrupted: number };

export type SweepResult = {
  /** As it was chosen on validation images. */
  readonly k: number;
  readonly alpha: number;
  /** The chosen number of units at each strength. */
  readonly alphas: readonly (Point & { readonly alpha: number })[];
  /** The first so many units at strength 1; none is the standard model. */
  readonly units: readonly (Point & { readonly k: number })[];
  /** The chosen units, at the chosen strength or at 1 where that is 0, stored in several ways. */
  readonly storages: readonly (Point & {
    readonly name: string;
    readonly fileBytes: number;
    /** ||stored − RWS|| / ||RWS|| over the tensors of at least two dimensions: what no structure and no normalisation exempts. */
    readonly error: number;
  })[];
};

/** What becomes of the patch of `needs.robust` on `needs.standard` with other strengths, units and ways to store it; nothing is chosen by it. */
export const rwsSweep = defineTask<SweepConfig, SweepResult>({
  name: 'rws-sweep',
  module: import.meta.url,
  estimate({ network, test, alphas, storages }) {
    const [images, model] = [lookedAtSize(test), networkOf(network, 10)];
    const passes = 2 * (alphas.length + unitsOf(model).length + storages.length);
    return {
      seconds: overheadSeconds + images * corruptionSeconds + networkSeconds(model, passes * images),
      bytes: 5000,
    };
  },
  run,
});

async function run(context: TaskContext<SweepConfig>): Promise<SweepResult> {
  const { config, needs, signal, progress } = context;
  await startKernels(config.flavour);
  const { top1Of } = await import('./live-network.ts');
  const [init, standard, robust] = await Promise.all(
    ['init', 'standard', 'robust'].map((name) => openNetwork(needs[name]!)),
  );
  const { network, state } = standard!;
  const looks = await openLooks(config.test, context);
  const corrupted = await looks.under(config.corruption);
  const chosen = await openVariant(needs['chosen']!, 'rws');
  const { k } = chosen;
  const units = unitsOf(network);
  const as = { init: init!.state, standard: state, robust: robust!.state, units };
  const total = config.alphas.length + units.length + 1 + config.storages.length;
  let done = 0;
  const measure = async (weights: typeof state): Promise<Point> => {
    const point = {
      clean: await top1Of(network, weights, looks.clean, { signal }),
      corrupted: await top1Of(network, weights, corrupted, { signal }),
    };
    progress(++done, total);
    return point;
  };

  const { signature } = await extract({ ...as, k: units.length, bits: 32 });
  const patched = await patch(state, [{ signature, alpha: 1 }]);
  const at = (count: number, alpha: number) =>
    measure(scale(patched, signature.id, firstUnits(signature, count, alpha)).state);
  const alphas: SweepResult['alphas'][number][] = [];
  for (const alpha of config.alphas) alphas.push({ alpha, ...(await at(k, alpha)) });
  const byUnits: SweepResult['units'][number][] = [];
  for (let count = 0; count <= units.length; count++)
    byUnits.push({ k: count, ...(await (count === 0 ? measure(state) : at(count, 1))) });

  // A way to store what is not used would show nothing.
  const alpha = chosenAlpha(chosen) || 1;
  const storages: SweepResult['storages'][number][] = [];
  for (const { name, quantizer, structure } of config.storages) {
    const { signature, diagnostics } = await extract({ ...as, k, quantizer, structure });
    const squares = (of: (one: (typeof diagnostics)[number]) => number) => Math.hypot(...diagnostics.map(of));
    storages.push({
      ...{ name, fileBytes: inspect(signature).fileBytes },
      error: squares(({ norm, storageError }) => norm * storageError) / squares(({ norm }) => norm),
      ...(await measure((await patch(state, [{ signature, alpha }])).state)),
    });
  }
  return { k, alpha: chosenAlpha(chosen), alphas, units: byUnits, storages };
}
