import type { CorruptionName } from '@proj/corruptions';
import { patch, signatureToBytes } from '@proj/rws';
import type { StateDict } from '@proj/tensor-io';
import { defineTask, type TaskContext } from '../experiment.ts';
import { type Flavour, startKernels } from './kernels.ts';
import {
  corruptionSeconds,
  hasBatchNorm,
  type NetworkConfig,
  networkBytes,
  networkOf,
  networkSeconds,
  openNetwork,
} from './network.ts';
import { type LookedAtConfig, lookedAtSize, openLooks } from './rws-study-images.ts';
import { chosenAlpha, openVariant, settled } from './rws-study-signatures.ts';
import { overheadSeconds } from './speed.ts';

export type RwsEvaluateConfig = {
  readonly network: NetworkConfig;
  readonly flavour: Flavour;
  readonly study: string;
  readonly corruption: CorruptionName;
  readonly variants: readonly string[];
  readonly test: LookedAtConfig;
  readonly statistics: LookedAtConfig;
};

export type RwsEvaluateResult = {
  readonly rows: readonly {
    /** `standard`, `augmented`, `robust`, `bn-only` or a variant. */
    readonly name: string;
    /** Top-1, from 0 to 1. */
    readonly clean: number;
    readonly corrupted: number;
    /** What it takes besides the standard model; the whole model where it takes that one's place. */
    readonly bytes: number;
  }[];
};

/**
 * Accuracy, clean and under one corruption, of `needs.standard`, `needs.augmented` and `needs.robust`, of the standard model with the patches that
 * `needs.chosen` chose, and, where batches are normalised, with nothing but statistics of corrupted images.
 */
export const rwsEvaluate = defineTask<RwsEvaluateConfig, RwsEvaluateResult>({
  name: 'rws-evaluate',
  module: import.meta.url,
  estimate({ network, variants, test }) {
    const [images, model] = [lookedAtSize(test), networkOf(network, 10)];
    const passes = 2 * (variants.length + 3 + (hasBatchNorm(model) ? 1 : 0));
    return {
      seconds: overheadSeconds + images * corruptionSeconds + networkSeconds(model, passes * images),
      bytes: 2000,
    };
  },
  run,
});

async function run(context: TaskContext<RwsEvaluateConfig>): Promise<RwsEvaluateResult> {
  const { config, needs, signal, progress } = context;
  const { corruption, variants } = config;
  await startKernels(config.flavour);
  const { recalibrated, top1Of } = await import('./live-network.ts');
  const [standard, augmented, robust] = await Promise.all(
    ['standard', 'augmented', 'robust'].map((name) => openNetwork(needs[name]!)),
  );
  const { network, state } = standard!;
  const looks = await openLooks(config.test, context);
  const statistics = await openLooks(config.statistics, context);
  const whole = networkBytes(network);
  const rows: RwsEvaluateResult['rows'][number][] = [];
  const measure = async (name: string, weights: StateDict, bytes: number) => {
    const clean = await top1Of(network, weights, looks.clean, { signal });
    const corrupted = await top1Of(network, weights, await looks.under(corruption), { signal });
    rows.push({ name, clean, corrupted, bytes });
    progress(rows.length, variants.length + 3, name);
  };
  await measure('standard', state, 0);
  await measure('augmented', augmented!.state, whole);
  await measure('robust', robust!.state, whole);
  for (const name of variants) {
    const signature = await openVariant(needs['chosen']!, name);
    const application = { signature, alpha: chosenAlpha(signature) };
    const patched = await patch(state, [application]);
    const ready = await settled(standard!, patched.state, application, statistics, corruption);
    await measure(name, ready, signatureToBytes(signature).length);
  }
  if (hasBatchNorm(network)) {
    const ready = await recalibrated(network, state, await statistics.under(corruption));
    const moved = [...ready].filter(([name, tensor]) => state.get(name) !== tensor);
    await measure(
      'bn-only',
      ready,
      moved.reduce((sum, [, { bytes }]) => sum + bytes.length, 0),
    );
  }
  return { rows };
}
