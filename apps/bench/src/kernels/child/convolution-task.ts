import { linear, type NamedTensors } from '@proj/ops';
import { crossEntropy, sgd, tapeGradients } from '@proj/trainer';
import {
  add,
  conv2d,
  maxPool,
  relu,
  reshape,
  type Tensor,
  type Tensor4D,
  tensor1d,
  zeros,
} from '@tensorflow/tfjs-core';
import type { Task } from '../tasks.ts';
import type { Prepared } from './answer.ts';
import { filled } from './inputs.ts';
import { trainingTask } from './training-step.ts';

const CLASSES = 10;
const LEARNING_RATE = 1e-4;

/** A VGG on [batch, 32, 32, 3] as tfjs programs write it: convolutions 3 x 3, ReLU, max pooling 2 x 2, one linear layer. */
export function convolutionTask({ batch, widths }: Task & { kind: 'convolution' }): Prepared {
  const parameters = new Map<string, Tensor>();
  let channels = 3;
  for (const [index, width] of widths.entries()) {
    if (width === 'pool') continue;
    // Kaiming's bound for ReLU: values in ±sqrt(6 / inputs) have variance 2 / inputs.
    const bound = Math.sqrt(6 / (9 * channels));
    parameters.set(`features.${index}.weight`, filled([3, 3, channels, width], index, bound));
    parameters.set(`features.${index}.bias`, zeros([width]));
    channels = width;
  }
  const features = channels * (32 / 2 ** widths.filter((width) => width === 'pool').length) ** 2;
  parameters.set('classifier.weight', filled([CLASSES, features], 3, Math.sqrt(1 / features)));
  parameters.set('classifier.bias', zeros([CLASSES]));
  const images = filled([batch, 32, 32, 3], 2);
  const targets = tensor1d(
    Int32Array.from({ length: batch }, (_, index) => index % CLASSES),
    'int32',
  );
  return trainingTask(
    parameters,
    { images, targets },
    tapeGradients((parameters, _buffers, batch) =>
      crossEntropy(forward(parameters, widths, batch.images as Tensor4D), batch.targets),
    ),
    sgd({ learningRate: LEARNING_RATE }),
  );
}

function forward(parameters: NamedTensors, widths: readonly (number | 'pool')[], images: Tensor4D): Tensor {
  let x = images;
  for (const [index, width] of widths.entries()) {
    if (width === 'pool') {
      x = maxPool(x, 2, 2, 'valid');
      continue;
    }
    const weight = parameters.get(`features.${index}.weight`) as Tensor4D;
    const bias = parameters.get(`features.${index}.bias`)!;
    x = relu(add<Tensor4D>(conv2d(x, weight, 1, 'same'), bias));
  }
  const rows = reshape(x, [x.shape[0], x.size / x.shape[0]]);
  return linear(rows, parameters.get('classifier.weight')!, parameters.get('classifier.bias')!);
}
