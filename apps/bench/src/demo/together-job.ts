import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageDataset } from '@proj/datasets';
import { corrupted, evaluateClassifier } from '@proj/recipes';
import { type Application, patch, patchedMetadata, signatureFromBytes } from '@proj/rws';
import { readSafetensors, writeSafetensors } from '@proj/tensor-io/node';
import { type DemoJob, modelFile, type Report, signatureFile } from './jobs.ts';
import { digitSplits, plan } from './plan.ts';
import type { DemoResults } from './results.ts';

/** Adds all signatures to the standard model, chooses a common factor on validation, writes the patched file, measures it. */
export async function togetherJob(
  job: DemoJob & { kind: 'together' },
  report: Report,
): Promise<DemoResults['together']> {
  const { folder, seed, corruptions } = job;
  const { state, metadata } = await readSafetensors(join(folder, modelFile('standard')));
  const signatures = await Promise.all(
    corruptions.map(async (name) => signatureFromBytes(await readFile(join(folder, signatureFile(name))))),
  );
  const apply = (factor: number) => {
    const strength = (alpha = 1) => alpha * factor;
    const applications: Application[] = signatures.map((signature) => ({
      signature,
      alpha: strength(signature.about.recommendedAlpha),
    }));
    return patch(state, applications);
  };
  const measure = async (model: Awaited<ReturnType<typeof apply>>, images: ImageDataset, offset: number) => {
    const top1 = async (dataset: ImageDataset) => {
      const evaluation = await evaluateClassifier({
        config: plan.model,
        state: model.state,
        dataset,
        batchSize: plan.evaluationBatch,
      });
      report(dataset.length, 'all patches: measuring');
      return 100 * evaluation.top1;
    };
    const clean = await top1(images);
    const each: { corruption: string; accuracy: number }[] = [];
    for (const name of corruptions) {
      const dataset = corrupted(images, { name, severity: plan.severity, seed: seed + offset });
      each.push({ corruption: name, accuracy: await top1(dataset) });
    }
    return { clean, each };
  };

  const { validation, test } = digitSplits(seed);
  const tried: { factor: number; clean: number; corrupted: number }[] = [];
  for (const factor of plan.factors) {
    const { clean, each } = await measure(await apply(factor), validation, 1);
    tried.push({ factor, clean, corrupted: each.reduce((sum, row) => sum + row.accuracy, 0) / each.length });
  }
  const { factor } = tried.reduce((a, b) => (b.clean + b.corrupted > a.clean + a.corrupted ? b : a));

  const patched = await apply(factor);
  const file = modelFile('patched');
  await writeSafetensors(join(folder, file), patched.state, await patchedMetadata(patched, metadata));
  const { clean, each } = await measure(patched, test, 2);
  return { file, factor, tried, clean, corrupted: each };
}
