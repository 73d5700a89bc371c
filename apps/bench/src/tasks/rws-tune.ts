import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { extract, patch, type Signature, signatureToBytes, withAbout } from '@proj/rws';
import { vitUnits } from '@proj/vit/forward';
import { defineTask, type TaskContext } from '../experiment.ts';
import { type CorruptionConfig, openParts, type PoolConfig, partSize, underCorruption } from './images.ts';
import { type Flavour, startKernels } from './kernels.ts';
import { accuracyOf } from './measure.ts';
import { type ModelConfig, modelConfig, openModel, SIGNATURE_FILE } from './model.ts';
import { type SignatureConfig, type SignatureSummary, summaryOf } from './signatures.ts';
import { overheadSeconds, passSeconds } from './speed.ts';

export type TuneConfig = SignatureConfig &
  PoolConfig &
  CorruptionConfig & {
    readonly flavour: Flavour;
    /** Images of this part decide. */
    readonly part: number;
    /** Numbers of units up to this are tried. */
    readonly maxUnits: number;
    /** Strengths that are tried. */
    readonly alphas: readonly number[];
    /** The smallest number of units counts that comes so close (0 to 1) to the best. */
    readonly tolerance: number;
    /** The model that is patched, for the estimate. */
    readonly model: ModelConfig;
  };

type Tried = {
  readonly k: number;
  readonly alpha: number;
  /** Top-1, from 0 to 1. */
  readonly clean: number;
  readonly corrupted: number;
};

export type TuneResult = {
  readonly k: number;
  readonly alpha: number;
  readonly tried: readonly Tried[];
  readonly signature: SignatureSummary;
};

/**
 * Chooses the number of units (at strength 1) and then the strength of the signature of `needs.robust`, by the mean of clean and
 * corrupted accuracy. Leaves the chosen signature, which recommends its strength.
 */
export const rwsTune = defineTask<TuneConfig, TuneResult>({
  name: 'rws-tune',
  module: import.meta.url,
  estimate(config) {
    const model = modelConfig(config.model, 10);
    const measurements = 2 * (config.maxUnits + config.alphas.length);
    return {
      seconds: overheadSeconds + passSeconds(model, measurements * partSize(config, config.part)),
      bytes: 100_000,
    };
  },
  run,
});

async function run(context: TaskContext<TuneConfig>): Promise<TuneResult> {
  const { config, needs, files, signal, progress } = context;
  await startKernels(config.flavour);
  const [init, standard, robust] = [
    (await openModel(needs['init']!)).state,
    await openModel(needs['standard']!),
    (await openModel(needs['robust']!)).state,
  ];
  const clean = (await openParts(config))(config.part);
  const corrupted = await underCorruption(clean, config, context);
  const units = vitUnits(standard.config);
  const { corruption = 'clean', severity, projection, bits, alphas, tolerance } = config;
  const about = {
    name: `${corruption}-s${severity}`,
    architecture: standard.config.name,
    ...{ corruption, severity, dataset: clean.name },
  };

  const most = Math.min(config.maxUnits, units.length);
  const others = alphas.filter((alpha) => alpha !== 1);
  const tried: Tried[] = [];
  const attempt = async (signature: Signature, alpha: number) => {
    const { state } = await patch(standard.state, [{ signature, alpha }]);
    const top1 = async (images: typeof clean) =>
      (await accuracyOf(state, standard.config, images, { signal })).top1;
    const { k } = signature;
    tried.push({ k, alpha, clean: await top1(clean), corrupted: await top1(corrupted) });
    progress(tried.length, most + others.length, `${k} units, α ${alpha}`);
  };

  const signatures: Signature[] = [];
  for (let k = 1; k <= most; k++) {
    const { signature } = await extract({
      ...{ init, standard: standard.state, robust, units, k, bits, projection, about },
    });
    signatures.push(signature);
    await attempt(signature, 1);
  }
  const best = Math.max(...tried.map(score));
  const { k } = tried.find((row) => score(row) >= best - tolerance - rounding)!;
  const chosen = signatures[k - 1]!;
  for (const alpha of others) await attempt(chosen, alpha);
  const { alpha } = tried
    .filter((row) => row.k === k && row.alpha > 0)
    .reduce((a, b) => (score(b) > score(a) ? b : a));

  const [before, after] = [0, alpha].map((strength) =>
    tried.find((row) => row.k === k && row.alpha === strength),
  );
  const images = `${clean.name}, validation, ${corruption} severity ${severity}`;
  const signature = await withAbout(chosen, {
    ...about,
    recommendedAlpha: alpha,
    measured: [
      ...(before ? [{ model: 'standard', images, accuracy: before.corrupted }] : []),
      { model: 'patched', images, accuracy: after!.corrupted },
    ],
  });
  await writeFile(join(files, SIGNATURE_FILE), signatureToBytes(signature));
  return { k, alpha, tried, signature: summaryOf(signature) };
}

/** Far below one image: whoever comes exactly as close as is asked for is close enough. */
const rounding = 1e-9;

const score = ({ clean, corrupted }: Tried): number => (clean + corrupted) / 2;
