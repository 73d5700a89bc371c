import { batchNorm, type NamedTensors } from '@proj/ops';
import type { Tensor } from '@tensorflow/tfjs-core';
import { batchNormEps } from './batch-norm-eps.ts';
import type { ConvnetLayers } from './layers.ts';
import { named } from './named-tensors.ts';
import { tensorLayers } from './tensor-layers.ts';

/**
 * The layers in float32 on tfjs tensors as a model evaluates: batch normalisation with the running statistics in `buffers`, no
 * dropout. Differentiable with respect to the images and every parameter; for training there is `trainingForward`.
 *
 * Each layer leaves one tensor, its result; call `convnet` in `tf.tidy` (or in a gradient function) to free those between
 * the layers. Parameters and buffers are read anew each time, never disposed, so that a patch takes effect at once.
 *
 * Parameters keep PyTorch's layouts, and each call copies every filter into the order that tfjs convolves, in training the gradient back
 * too. That is one pass over the filters against one over them for each pixel of a map: 0.5 % of ResNet-20's time at batch 100, 4 %
 * of VGG-11's at batch 32.
 *
 * @throws {ConvnetError} from a layer: `CONVNET_TENSOR_MISSING` naming the tensor; `CONVNET_INPUT_SHAPE` for images of another
 * size. Tensors of other shapes are refused by tfjs or `@proj/ops` (`OPS_SHAPE_MISMATCH`).
 */
export function floatLayers(
  parameters: NamedTensors,
  buffers: NamedTensors = new Map(),
): ConvnetLayers<Tensor> {
  const get = named(parameters);
  const statistic = named(buffers);
  return tensorLayers(parameters, {
    norm: (x, norm) => [
      batchNorm(x, get(`${norm}.weight`), get(`${norm}.bias`), {
        mean: statistic(`${norm}.running_mean`),
        variance: statistic(`${norm}.running_var`),
        eps: batchNormEps,
      }),
    ],
    dropout: (x) => x,
  });
}
