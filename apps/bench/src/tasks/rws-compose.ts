import { join } from 'node:path';
import type { CorruptionName } from '@proj/corruptions';
import { conflicts, patchedMetadata } from '@proj/rws';
import { writeSafetensors } from '@proj/tensor-io/node';
import { defineTask, type TaskContext } from '../experiment.ts';
import { type Flavour, startKernels } from './kernels.ts';
import { MODEL_FILE } from './model.ts';
import {
  corruptionSeconds,
  type NetworkConfig,
  networkBytes,
  networkOf,
  networkSeconds,
  openNetwork,
} from './network.ts';
import { type LookedAtConfig, lookedAtSize, openLooks } from './rws-study-images.ts';
import { chosenAlpha, composed, openVariant, type RuleName } from './rws-study-signatures.ts';
import { overheadSeconds } from './speed.ts';

export type ComposeConfig = {
  readonly network: NetworkConfig;
  readonly flavour: Flavour;
  readonly study: string;
  readonly corruptions: readonly CorruptionName[];
  /** The first so many corruptions at once. */
  readonly counts: readonly number[];
  readonly rules: readonly RuleName[];
  /** What the chosen strengths are multiplied by, all by the same. */
  readonly factors: readonly number[];
  /** These choose the factor. */
  readonly validation: LookedAtConfig;
  readonly test: LookedAtConfig;
};

type Measured = {
  /** Top-1, from 0 to 1. */
  readonly clean: number;
  /** Under each of the corruptions, in their order. */
  readonly corrupted: readonly number[];
};

export type ComposeResult = {
  readonly composed: readonly (Measured & {
    readonly count: number;
    readonly rule: RuleName;
    readonly factor: number;
  })[];
  /** Under all corruptions. */
  readonly standard: Measured;
  readonly augmented: Measured;
  /** Of every two signatures at their chosen strengths; those of strength 0 with none. */
  readonly conflicts: readonly {
    readonly first: string;
    readonly second: string;
    readonly cosine: number | null;
    readonly signConflicts: number | null;
  }[];
};

/**
 * Puts the signatures that `needs['chosen ' + corruption]` chose on `needs.standard`, several at once, by several rules. Leaves the model with
 * the sum of all, a file from which they can be taken off again.
 */
export const rwsCompose = defineTask<ComposeConfig, ComposeResult>({
  name: 'rws-compose',
  module: import.meta.url,
  estimate({ network, corruptions, counts, rules, factors, validation, test }) {
    const model = networkOf(network, 10);
    const looks = counts.reduce((sum, count) => sum + count + 1, 0) * rules.length;
    const both = 2 * (corruptions.length + 1);
    const images = looks * factors.length * lookedAtSize(validation) + (looks + both) * lookedAtSize(test);
    const made = corruptions.length * (lookedAtSize(validation) + lookedAtSize(test));
    return {
      seconds: overheadSeconds + made * corruptionSeconds + networkSeconds(model, images),
      bytes: 2 * networkBytes(model),
    };
  },
  run,
});

async function run(context: TaskContext<ComposeConfig>): Promise<ComposeResult> {
  const { config, needs, files, signal, progress } = context;
  const { corruptions, counts, rules, factors } = config;
  await startKernels(config.flavour);
  const { top1Of } = await import('./live-network.ts');
  const standard = await openNetwork(needs['standard']!);
  const augmented = await openNetwork(needs['augmented']!);
  const signatures = await Promise.all(
    corruptions.map((corruption) => openVariant(needs[`chosen ${corruption}`]!, 'rws')),
  );
  const validation = await openLooks(config.validation, context);
  const test = await openLooks(config.test, context);
  const measure = async (
    state: typeof standard.state,
    on: typeof test,
    under: readonly CorruptionName[],
  ): Promise<Measured> => {
    const clean = await top1Of(standard.network, state, on.clean, { signal });
    const corrupted: number[] = [];
    for (const corruption of under)
      corrupted.push(await top1Of(standard.network, state, await on.under(corruption), { signal }));
    return { clean, corrupted };
  };

  const rows: ComposeResult['composed'][number][] = [];
  for (const count of counts) {
    const [own, under] = [signatures.slice(0, count), corruptions.slice(0, count)];
    for (const rule of rules) {
      let best = { factor: 0, score: -1 };
      for (const factor of factors) {
        const { state } = await composed(standard.state, own, factor, rule);
        const { clean, corrupted } = await measure(state, validation, under);
        const score = clean + mean(corrupted);
        if (score > best.score) best = { factor, score };
      }
      const { factor } = best;
      const { state } = await composed(standard.state, own, factor, rule);
      rows.push({ count, rule, factor, ...(await measure(state, test, under)) });
      progress(rows.length, counts.length * rules.length, `${count} by ${rule}`);
    }
  }
  const all = await composed(standard.state, signatures, 1 / signatures.length, 'sum');
  await writeSafetensors(join(files, MODEL_FILE), all.state, await patchedMetadata(all, standard.metadata));
  const nameOf = (id: string) => corruptions[signatures.findIndex((one) => one.id === id)]!;
  return {
    composed: rows,
    standard: await measure(standard.state, test, corruptions),
    augmented: await measure(augmented.state, test, corruptions),
    conflicts: conflicts(signatures.map((signature) => ({ signature, alpha: chosenAlpha(signature) }))).map(
      ({ first, second, cosine, signConflicts }) => ({
        ...{ first: nameOf(first), second: nameOf(second), cosine, signConflicts },
      }),
    ),
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
