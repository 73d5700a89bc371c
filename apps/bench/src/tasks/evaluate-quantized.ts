import type { ImageDataset } from '@proj/datasets';
import type { VitConfig } from '@proj/vit/forward';
import type { Tensor } from '@tensorflow/tfjs-core';
import { defineTask, type Finished, type TaskContext } from '../experiment.ts';
import { LogitsComparison } from './compare-logits.ts';
import type { EvaluateQuantizedConfig, EvaluateQuantizedResult } from './evaluate-config.ts';
import { imageCount, openImages } from './images.ts';
import { startKernels } from './kernels.ts';
import { modelConfig, type OpenedModel, openModel } from './model.ts';
import { PACKED_FILE } from './quantize-config.ts';
import { overheadSeconds, passSeconds } from './speed.ts';

/** How `needs.model`, a packed file read back, does on images, and how near it is to `needs.float`. */
export const evaluateQuantized = defineTask<EvaluateQuantizedConfig, EvaluateQuantizedResult>({
  name: 'evaluate-quantized',
  module: import.meta.url,
  estimate: ({ model, images }) => ({
    seconds: overheadSeconds + passSeconds(modelConfig(model, 10), 2.25 * imageCount(images)),
    bytes: 0,
  }),
  run,
});

/** Images to logits. The model's tensors stay on the backend until the process ends. */
type Forward = (images: Tensor) => Tensor;

async function run(context: TaskContext<EvaluateQuantizedConfig>): Promise<EvaluateQuantizedResult> {
  const { config, needs, signal, progress } = context;
  await startKernels(config.flavour);
  const { tidy } = await import('@tensorflow/tfjs-core');
  const { modelInputs } = await import('./model-inputs.ts');
  const float = await openModel(needs['float']!);
  const dataset = await openImages(config.images);
  const reference = await floatForward(float);
  const model = needs['model'] && (await packedForward(needs['model'], float.config));

  const comparison = new LogitsComparison(classesOf(dataset, config.classes));
  for (let at = 0; at < dataset.length; at += config.batchSize) {
    signal.throwIfAborted();
    const to = Math.min(at + config.batchSize, dataset.length);
    const images = await modelInputs(float.config, dataset, at, to);
    const logits = (forward: Forward) => {
      const values = tidy(() => forward(images).dataSync());
      return { values, classes: float.config.classes };
    };
    const theirs = logits(reference);
    comparison.add(dataset.labels.subarray(at, to), model === undefined ? theirs : logits(model), theirs);
    images.dispose();
    progress(to, dataset.length);
    // The signal is heard between turns of the event loop only.
    await new Promise(setImmediate);
  }
  const made = needs['model']?.result as { readonly sha256: string } | undefined;
  return { model: made?.sha256 ?? float.sha256, float: float.sha256, ...comparison.result() };
}

function classesOf(dataset: ImageDataset, which: EvaluateQuantizedConfig['classes']): number[] {
  if (which === 'all') return dataset.classNames.map((_, i) => i);
  return [...new Set(dataset.labels)].sort((a, b) => a - b);
}

async function floatForward({ config, state }: OpenedModel): Promise<Forward> {
  const { floatLayers, vit } = await import('@proj/vit');
  const { toTensors } = await import('@proj/tensor-io/tfjs');
  const layers = floatLayers(toTensors(state));
  return (images) => vit(config, layers, images);
}

async function packedForward(finished: Finished, config: VitConfig): Promise<Forward> {
  const { designFromMetadata, frozenLayers, unpackModel } = await import('@proj/vit/quantized');
  const { vit } = await import('@proj/vit');
  const { toTensors } = await import('@proj/tensor-io/tfjs');
  const { readSafetensors } = await import('@proj/tensor-io/node');
  const { state, metadata } = await readSafetensors(finished.file(PACKED_FILE));
  const design = designFromMetadata(metadata.get('proj')!);
  if (design === undefined) throw new Error(`${finished.label} left a file that says nothing of its bits`);
  const { parameters, buffers } = unpackModel(config, design, state);
  const layers = frozenLayers(config, design, toTensors(parameters), toTensors(buffers));
  return (images) => vit(config, layers, images);
}
