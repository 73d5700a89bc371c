import { patch } from '@proj/rws';
import { defineTask, type TaskContext } from '../experiment.ts';
import { type CorruptionConfig, openParts, type PoolConfig, partSize, underCorruption } from './images.ts';
import { type Flavour, startKernels } from './kernels.ts';
import { accuracyOf } from './measure.ts';
import { type ModelConfig, modelConfig, openModel } from './model.ts';
import { signaturesOf } from './signatures.ts';
import { overheadSeconds, passSeconds } from './speed.ts';

export type EvaluateConfig = PoolConfig &
  Omit<CorruptionConfig, 'corruption'> & {
    readonly flavour: Flavour;
    readonly part: number;
    /** How the images are to look, besides clean. */
    readonly corruptions: readonly NonNullable<CorruptionConfig['corruption']>[];
    /** Strengths of the signatures; absent: each at the one it recommends. Without signatures it has no meaning. */
    readonly alphas?: readonly number[];
    /** For the estimate. */
    readonly model: ModelConfig;
  };

type Evaluated = {
  /** Null: as the signatures recommend. */
  readonly alpha: number | null;
  /** Clean, or the corruption. */
  readonly look: string;
  readonly right: number;
  readonly images: number;
  /** From 0 to 1. */
  readonly top1: number;
  readonly loss: number;
};

export type EvaluateResult = {
  /** SHA-256 of the parameters before signatures were added. */
  readonly model: string;
  /** Ids. */
  readonly signatures: readonly string[];
  readonly accuracies: readonly Evaluated[];
};

/** Accuracy of `needs.model`, with the signatures among `needs` on it, on clean and corrupted images. */
export const evaluateClassifier = defineTask<EvaluateConfig, EvaluateResult>({
  name: 'evaluate-classifier',
  module: import.meta.url,
  estimate(config) {
    const { part, corruptions, alphas = [1] } = config;
    const images = alphas.length * (1 + corruptions.length) * partSize(config, part);
    return { seconds: overheadSeconds + passSeconds(modelConfig(config.model, 10), images), bytes: 2000 };
  },
  run,
});

async function run(context: TaskContext<EvaluateConfig>): Promise<EvaluateResult> {
  const { config, needs, signal, progress } = context;
  await startKernels(config.flavour);
  const model = await openModel(needs['model']!);
  const signatures = [...(await signaturesOf(needs)).values()];
  const clean = (await openParts(config))(config.part);
  const looks = [{ look: 'clean', dataset: clean }];
  for (const corruption of config.corruptions)
    looks.push({
      look: corruption,
      dataset: await underCorruption(clean, { ...config, corruption }, context),
    });

  const strengths = signatures.length === 0 ? [null] : (config.alphas ?? [null]);
  const accuracies: Evaluated[] = [];
  for (const alpha of strengths) {
    const { state } = await patch(
      model.state,
      signatures.map((signature) => ({ signature, alpha: alpha ?? signature.about.recommendedAlpha ?? 1 })),
    );
    for (const { look, dataset } of looks) {
      const { top1, loss, images } = await accuracyOf(state, model.config, dataset, { signal });
      accuracies.push({ alpha, look, right: Math.round(top1 * images), images, top1, loss });
      progress(accuracies.length, strengths.length * looks.length, look);
    }
  }
  return { model: model.sha256, signatures: signatures.map(({ id }) => id), accuracies };
}
