import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CorruptionName } from '@proj/corruptions';
import { extract, inspect, searchStrength, signatureToBytes, truncate, withAbout } from '@proj/rws';
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
import { settled, signatureFile, type VariantConfig } from './rws-study-signatures.ts';
import { overheadSeconds } from './speed.ts';

export type ChooseConfig = {
  readonly network: NetworkConfig;
  readonly flavour: Flavour;
  /** Where the models come from, for reports. */
  readonly study: string;
  readonly corruption: CorruptionName;
  readonly variants: readonly VariantConfig[];
  /** These decide. */
  readonly validation: LookedAtConfig;
  /** Statistics of batch normalisations come from these, where a variant asks for it. */
  readonly statistics: LookedAtConfig;
  readonly maxUnits: number;
  readonly alphas: readonly number[];
  /** The smallest number of units counts that comes so close (0 to 1) to the best. */
  readonly tolerance: number;
};

type ChosenVariant = {
  readonly name: string;
  readonly id: string;
  readonly k: number;
  readonly alpha: number;
  /** Top-1, from 0 to 1. */
  readonly tried: readonly {
    readonly k: number;
    readonly alpha: number;
    readonly clean: number;
    readonly corrupted: number;
  }[];
  readonly fileBytes: number;
  readonly modelBytes: number;
  readonly compression: number;
  /** What the compression refers to. */
  readonly configuration: string;
};

export type ChooseResult = { readonly variants: readonly ChosenVariant[] };

/**
 * Extracts the signature of `needs.robust` beside `needs.standard`, both trained on from `needs.init`, in several ways, and chooses for each
 * the number of units and the strength by the mean of clean and corrupted accuracy on validation images. A strength of 0 may win: then
 * nothing that was tried helped.
 */
export const rwsChoose = defineTask<ChooseConfig, ChooseResult>({
  name: 'rws-choose',
  module: import.meta.url,
  estimate({ network, variants, maxUnits, alphas, validation }) {
    const images = lookedAtSize(validation);
    const passes = 2 * variants.length * (maxUnits + alphas.length - 1);
    return {
      seconds:
        overheadSeconds +
        images * corruptionSeconds +
        networkSeconds(networkOf(network, 10), passes * images),
      bytes: variants.length * 200_000,
    };
  },
  run,
});

async function run(context: TaskContext<ChooseConfig>): Promise<ChooseResult> {
  const { config, needs, files, signal, progress } = context;
  const { corruption, tolerance, alphas } = config;
  await startKernels(config.flavour);
  const { top1Of } = await import('./live-network.ts');
  const [init, standard, robust] = await Promise.all(
    ['init', 'standard', 'robust'].map((name) => openNetwork(needs[name]!)),
  );
  const { network, state } = standard!;
  const units = unitsOf(network);
  const looks = await openLooks(config.validation, context);
  const statistics = await openLooks(config.statistics, context);
  const { severity } = config.validation;
  const about = {
    name: `${corruption}-s${severity}`,
    architecture: network.config.name,
    ...{ corruption, severity, dataset: looks.clean.name },
  };

  const variants: ChosenVariant[] = [];
  for (const { name, ...how } of config.variants) {
    const { signature } = await extract({
      ...{ init: init!.state, standard: state, robust: robust!.state, units, about },
      ...{ k: Math.min(config.maxUnits, units.length), ...how },
    });
    const tried: ChosenVariant['tried'][number][] = [];
    const found = await searchStrength(state, signature, {
      ...{ alphas, tolerance, refinements: 0 },
      async evaluate(patched, { k, alpha }) {
        const ready = await settled(standard!, patched, { signature, alpha }, statistics, corruption);
        const clean = await top1Of(network, ready, looks.clean, { signal });
        const corrupted = await top1Of(network, ready, await looks.under(corruption), { signal });
        tried.push({ k, alpha, clean, corrupted });
        progress(variants.length, config.variants.length, `${name}: ${k} units, α ${alpha}`);
        return (clean + corrupted) / 2;
      },
    });
    const { k, alpha } = found;
    const chosen = await withAbout(await truncate(signature, k), { ...about, recommendedAlpha: alpha });
    await writeFile(join(files, signatureFile(name)), signatureToBytes(chosen));
    const { id, fileBytes, modelBytes, compression, configuration } = inspect(chosen);
    variants.push({ name, id, k, alpha, tried, fileBytes, modelBytes, compression, configuration });
  }
  return { variants };
}
