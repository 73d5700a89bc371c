import { join } from 'node:path';
import { patch, patchedMetadata } from '@proj/rws';
import { stateSha256 } from '@proj/tensor-io';
import { writeSafetensors } from '@proj/tensor-io/node';
import { defineTask, type TaskContext } from '../experiment.ts';
import { type CorruptionConfig, openParts, type PoolConfig, partSize, underCorruption } from './images.ts';
import { type Flavour, startKernels } from './kernels.ts';
import { accuracyOf } from './measure.ts';
import { MODEL_FILE, type ModelConfig, modelConfig, openModel, parameterBytes } from './model.ts';
import { signaturesOf } from './signatures.ts';
import { overheadSeconds, passSeconds } from './speed.ts';

export type CombineConfig = PoolConfig &
  Omit<CorruptionConfig, 'corruption'> & {
    readonly flavour: Flavour;
    /** Images of this part decide. */
    readonly part: number;
    readonly corruptions: readonly NonNullable<CorruptionConfig['corruption']>[];
    /** What the signatures' own strengths are multiplied by, all by the same. */
    readonly factors: readonly number[];
    /** The model that is patched, for the estimate. */
    readonly model: ModelConfig;
  };

export type CombineResult = {
  readonly factor: number;
  /** Top-1, from 0 to 1; `corrupted` is the mean over the corruptions. */
  readonly tried: readonly { readonly factor: number; readonly clean: number; readonly corrupted: number }[];
  readonly applied: readonly { readonly id: string; readonly name: string; readonly alpha: number }[];
  /** Of the patched parameters. */
  readonly sha256: string;
};

/**
 * Adds all signatures among `needs` to `needs.model`, each at the strength it recommends times one factor, chosen by the sum of clean and
 * corrupted accuracy. Leaves the patched model, a file from which they can be taken off again.
 */
export const rwsCombine = defineTask<CombineConfig, CombineResult>({
  name: 'rws-combine',
  module: import.meta.url,
  estimate(config) {
    const model = modelConfig(config.model, 10);
    const images = config.factors.length * (1 + config.corruptions.length) * partSize(config, config.part);
    return { seconds: overheadSeconds + passSeconds(model, images), bytes: 2 * parameterBytes(model) };
  },
  run,
});

async function run(context: TaskContext<CombineConfig>): Promise<CombineResult> {
  const { config, needs, files, signal, progress } = context;
  await startKernels(config.flavour);
  const model = await openModel(needs['model']!);
  const signatures = [...(await signaturesOf(needs)).values()];
  const apply = (factor: number) =>
    patch(
      model.state,
      signatures.map((signature) => ({ signature, alpha: factor * (signature.about.recommendedAlpha ?? 1) })),
    );
  const clean = (await openParts(config))(config.part);
  const looks = [];
  for (const corruption of config.corruptions)
    looks.push(await underCorruption(clean, { ...config, corruption }, context));

  const tried: CombineResult['tried'][number][] = [];
  for (const factor of config.factors) {
    const { state } = await apply(factor);
    const top1 = async (images: typeof clean) =>
      (await accuracyOf(state, model.config, images, { signal })).top1;
    const row = { factor, clean: await top1(clean), corrupted: 0 };
    for (const look of looks) row.corrupted += (await top1(look)) / looks.length;
    tried.push(row);
    progress(tried.length, config.factors.length, `factor ${factor}`);
  }
  const { factor } = tried.reduce((a, b) => (b.clean + b.corrupted > a.clean + a.corrupted ? b : a));
  const patched = await apply(factor);
  await writeSafetensors(
    join(files, MODEL_FILE),
    patched.state,
    await patchedMetadata(patched, model.metadata),
  );
  return {
    factor,
    tried,
    applied: patched.applied.map(({ signature, alpha }) => ({
      ...{ id: signature.id, name: signature.about.name ?? signature.id, alpha },
    })),
    sha256: await stateSha256(patched.state),
  };
}
