import type { ImageDataset } from '@proj/datasets';
import type { EvaluationView } from '@proj/trainer';
import type { VitConfig } from '@proj/vit/forward';
import type { QuantizedDesign } from '@proj/vit/quantized';
import { modelInputs } from './model-inputs.ts';
import { evaluationBatch } from './speed.ts';

/** Measures top-1, from 0 to 1, of a quantized model while it trains, its latent weights quantized in every pass. */
export async function quantizedAccuracy(
  config: VitConfig,
  design: QuantizedDesign,
  dataset: ImageDataset,
): Promise<(view: EvaluationView) => Promise<number>> {
  const { evaluate } = await import('@proj/trainer');
  const { vit } = await import('@proj/vit');
  const { quantizedLayers } = await import('@proj/vit/quantized');
  const { tensor } = await import('@tensorflow/tfjs-core');
  async function* batches() {
    for (let at = 0; at < dataset.length; at += evaluationBatch) {
      const to = Math.min(at + evaluationBatch, dataset.length);
      const labels = dataset.labels.subarray(at, to);
      yield {
        images: await modelInputs(config, dataset, at, to),
        targets: tensor(labels, [to - at], 'int32'),
      };
    }
  }
  return async ({ parameters, buffers }) => {
    const layers = quantizedLayers(config, design, parameters, buffers);
    const { top1 } = await evaluate({ forward: (images) => vit(config, layers, images), batches: batches() });
    return top1;
  };
}
