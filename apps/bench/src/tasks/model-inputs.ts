import type { ImageDataset } from '@proj/datasets';
import { preprocess, type VitConfig } from '@proj/vit/forward';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';

/** Images `from` to `to - 1` of a data set as the model takes them. */
export async function modelInputs(
  config: VitConfig,
  dataset: ImageDataset,
  from: number,
  to: number,
): Promise<Tensor> {
  const indices = Uint32Array.from({ length: to - from }, (_, i) => from + i);
  const { channels, imageSize } = config;
  return tensor(preprocess(await dataset.images(indices), to - from, config), [
    ...[to - from, channels, imageSize, imageSize],
  ]);
}
