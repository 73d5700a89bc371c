import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { corrupted, evaluateClassifier } from '@proj/recipes';
import { patch, patchedMetadata, signatureFromBytes } from '@proj/rws';
import { readSafetensors, writeSafetensors } from '@proj/tensor-io/node';
import { type DemoJob, modelFile, type Report, signatureFile } from './jobs.ts';
import { digitSplits, plan } from './plan.ts';
import type { DemoResults } from './results.ts';

/** Adds all signatures to the standard model, writes the patched model file and measures it. */
export async function togetherJob(
  job: DemoJob & { kind: 'together' },
  report: Report,
): Promise<DemoResults['together']> {
  const { folder, seed, corruptions } = job;
  const { state, metadata } = await readSafetensors(join(folder, modelFile('standard')));
  const applications = await Promise.all(
    corruptions.map(async (corruption) => {
      const signature = await signatureFromBytes(await readFile(join(folder, signatureFile(corruption))));
      return { signature, alpha: signature.about.recommendedAlpha! };
    }),
  );
  const patched = await patch(state, applications);
  const file = modelFile('patched');
  await writeSafetensors(join(folder, file), patched.state, await patchedMetadata(patched, metadata));

  const { test } = digitSplits(seed);
  const measure = async (dataset: typeof test) => {
    const { top1 } = await evaluateClassifier({
      config: plan.model,
      state: patched.state,
      dataset,
      batchSize: plan.evaluationBatch,
    });
    report(dataset.length, 'all patches: measuring');
    return 100 * top1;
  };
  const clean = await measure(test);
  const each = [];
  for (const corruption of corruptions) {
    const images = corrupted(test, { name: corruption, severity: plan.severity, seed: seed + 2 });
    each.push({ corruption, accuracy: await measure(images) });
  }
  return { file, clean, corrupted: each };
}
