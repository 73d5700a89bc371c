import { join } from 'node:path';
import { corrupted, inMemory, trainClassifier } from '@proj/recipes';
import { stateSha256 } from '@proj/tensor-io';
import { readSafetensors, writeSafetensors } from '@proj/tensor-io/node';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { vitMetadata } from '@proj/vit';
import { type DemoJob, modelFile, type Report } from './jobs.ts';
import { digitSplits, plan, recipes } from './plan.ts';
import type { ModelRow } from './results.ts';

/** Trains one model on the digits, clean or corrupted, and writes it as an ordinary model file. */
export async function trainJob(job: DemoJob & { kind: 'train' }, report: Report): Promise<ModelRow> {
  const { name, folder, seed, corruption, start } = job;
  const { train } = digitSplits(seed);
  const dataset =
    corruption === undefined
      ? train
      : await inMemory(corrupted(train, { name: corruption, severity: plan.severity, seed }));
  const recipe = start === undefined ? recipes.start(seed) : recipes.fineTuned(seed);
  const stepsPerEpoch = Math.floor(train.length / recipe.batchSize);
  const window = Math.ceil(stepsPerEpoch / 10);
  const losses: { x: number; y: number }[] = [];
  let sum = 0;
  const began = performance.now();
  const events = trainClassifier({
    config: plan.model,
    recipe,
    dataset,
    ...(start && { start: (await readSafetensors(join(folder, start))).state }),
  });
  for await (const event of events) {
    if (event.kind === 'step') {
      sum += event.loss;
      if (event.step % window === 0) {
        losses.push({ x: event.step / stepsPerEpoch, y: sum / window });
        sum = 0;
      }
      report(3 * recipe.batchSize, `${name}: loss ${event.loss.toFixed(3)}`);
    } else if (event.kind === 'done') {
      const trainSeconds = (performance.now() - began) / 1000;
      const state = await fromTensors(event.parameters);
      const file = modelFile(name);
      const metadata = new Map([['proj', vitMetadata(plan.model, train.classNames)]]);
      await writeSafetensors(join(folder, file), state, metadata);
      const bytes = [...state.values()].reduce((total, tensor) => total + tensor.bytes.length, 0);
      return { name, file, sha256: await stateSha256(state), bytes, trainSeconds, losses };
    }
  }
  throw new Error(`the training of ${name} ended early`);
}
