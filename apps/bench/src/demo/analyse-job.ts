import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageDataset } from '@proj/datasets';
import { corrupted, evaluateClassifier, inMemory, predict } from '@proj/recipes';
import { extract, patch, relativeDifferences, type Signature, signatureToBytes, withAbout } from '@proj/rws';
import type { StateDict } from '@proj/tensor-io';
import { readSafetensors, writeFileAtomic } from '@proj/tensor-io/node';
import { vitParameters, vitUnits } from '@proj/vit/forward';
import sharp from 'sharp';
import { type DemoJob, modelFile, type Report, signatureFile } from './jobs.ts';
import { digitSplits, plan } from './plan.ts';
import type { Accuracy, CorruptionResult, GalleryImage } from './results.ts';

interface Pair {
  readonly clean: ImageDataset;
  readonly corrupted: ImageDataset;
}

/** Extracts the signature of one corruption, chooses units and strength on validation, and measures on test. */
export async function analyseJob(
  job: DemoJob & { kind: 'analyse' },
  report: Report,
): Promise<CorruptionResult> {
  const { folder, seed, corruption } = job;
  const { severity } = plan;
  const read = async (name: string) => (await readSafetensors(join(folder, modelFile(name)))).state;
  const [init, standard, robust] = [
    await read('start'),
    await read('standard'),
    await read(`robust-${corruption}`),
  ];
  const splits = digitSplits(seed);
  const pair = async (clean: ImageDataset, offset: number): Promise<Pair> => ({
    clean,
    corrupted: await inMemory(corrupted(clean, { name: corruption, severity, seed: seed + offset })),
  });
  const validation = await pair(splits.validation, 1);
  const test = await pair(splits.test, 2);
  const measure = (state: StateDict, images: Pair) =>
    accuracies(state, images, `${corruption}: measuring`, report);
  const units = vitUnits(plan.model);
  const about = {
    name: `${corruption}-s${severity}`,
    architecture: plan.model.name,
    corruption,
    severity,
    dataset: 'digits',
  };

  const tried: (Accuracy & { units: number; alpha: number })[] = [];
  const attempt = async (signature: Signature, alpha: number) => {
    const { state } = await patch(standard, [{ signature, alpha }]);
    tried.push({ units: signature.k, alpha, ...(await measure(state, validation)) });
  };
  const signatures: Signature[] = [];
  for (let k = 1; k <= plan.model.depth; k++) {
    const { signature } = await extract({ init, standard, robust, units, k, bits: plan.bits, about });
    signatures.push(signature);
    await attempt(signature, 1);
  }
  const best = Math.max(...tried.map(score));
  const k = tried.find((row) => score(row) >= best - plan.unitTolerance)!.units;
  const chosen = signatures[k - 1]!;
  for (const alpha of plan.alphas) if (alpha !== 1) await attempt(chosen, alpha);
  const { alpha } = tried
    .filter((row) => row.units === k && row.alpha > 0)
    .reduce((a, b) => (score(b) > score(a) ? b : a));

  const sweep: (Accuracy & { alpha: number })[] = [];
  for (const strength of plan.alphas) {
    const { state } = await patch(standard, [{ signature: chosen, alpha: strength }]);
    sweep.push({ alpha: strength, ...(await measure(state, test)) });
  }
  const at = (strength: number): Accuracy => sweep.find((row) => row.alpha === strength)!;
  const patched = at(alpha);
  const robustAccuracy = await measure(robust, test);
  const gain = robustAccuracy.corrupted - at(0).corrupted;
  const images = `digits, test split, ${corruption} severity ${severity}`;
  const signature = await withAbout(chosen, {
    ...about,
    recommendedAlpha: alpha,
    measured: [
      { model: 'standard', images, accuracy: at(0).corrupted / 100 },
      { model: 'patched', images, accuracy: patched.corrupted / 100 },
    ],
  });
  const file = signatureFile(corruption);
  const bytes = signatureToBytes(signature);
  await writeFileAtomic(join(folder, file), bytes);
  const modelBytes = (await stat(join(folder, modelFile('standard')))).size;
  const differences = relativeDifferences(standard, robust);
  const patchedState = (await patch(standard, [{ signature, alpha }])).state;
  return {
    corruption,
    severity,
    signature: {
      file,
      id: signature.id,
      bytes: bytes.length,
      units: k,
      bits: plan.bits,
      alpha,
      ratio: modelBytes / bytes.length,
    },
    tried,
    standard: at(0),
    patched,
    robust: robustAccuracy,
    shareOfGain: gain > 0 ? (patched.corrupted - at(0).corrupted) / gain : null,
    sweep,
    relativeDifference: vitParameters(plan.model)
      .filter(({ shape }) => shape.length > 1)
      .map(({ name }) => ({ name, value: differences.get(name)! })),
    gallery: await gallery(test.corrupted, standard, patchedState),
  };
}

const score = ({ clean, corrupted }: Accuracy): number => (clean + corrupted) / 2;

async function accuracies(state: StateDict, images: Pair, detail: string, report: Report): Promise<Accuracy> {
  const top1 = async (dataset: ImageDataset) => {
    let counted = 0;
    const { top1 } = await evaluateClassifier({
      config: plan.model,
      state,
      dataset,
      batchSize: plan.evaluationBatch,
      progress({ count }) {
        report(count - counted, detail);
        counted = count;
      },
    });
    return 100 * top1;
  };
  return { clean: await top1(images.clean), corrupted: await top1(images.corrupted) };
}

/** The first images of the split, evenly over it, whatever the models make of them. */
async function gallery(dataset: ImageDataset, before: StateDict, after: StateDict): Promise<GalleryImage[]> {
  const { galleryImages, model } = plan;
  const indices = Array.from({ length: galleryImages }, (_, i) =>
    Math.floor((i * dataset.length) / galleryImages),
  );
  const guess = async (state: StateDict) =>
    (await predict({ config: model, state, dataset }, indices)).map(
      (row) => dataset.classNames[row.indexOf(Math.max(...row))]!,
    );
  const [guessedBefore, guessedAfter] = [await guess(before), await guess(after)];
  return Promise.all(
    indices.map(async (index, i) => {
      const { height, width, channels } = dataset;
      const png = await sharp(await dataset.images([index]), { raw: { height, width, channels } })
        .png()
        .toBuffer();
      return {
        png: png.toString('base64'),
        label: dataset.classNames[dataset.labels[index]!]!,
        before: guessedBefore[i]!,
        after: guessedAfter[i]!,
      };
    }),
  );
}
