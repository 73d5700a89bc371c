import type { ImageDataset } from '@proj/datasets';
import type { StateDict } from '@proj/tensor-io';
import type { VitConfig } from '@proj/vit/forward';
import { evaluationBatch } from './speed.ts';

/** Top-1, from 0 to 1, and mean cross-entropy on so many images. */
export type Accuracy = { readonly top1: number; readonly loss: number; readonly images: number };

export async function accuracyOf(
  state: StateDict,
  config: VitConfig,
  dataset: ImageDataset,
  watch: { readonly signal?: AbortSignal } = {},
): Promise<Accuracy> {
  const { evaluateClassifier } = await import('@proj/recipes');
  const { top1, loss } = await evaluateClassifier({
    config,
    state,
    dataset,
    batchSize: evaluationBatch,
    ...watch,
  });
  return { top1, loss, images: dataset.length };
}
