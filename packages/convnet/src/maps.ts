import {
  add,
  avgPool,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  clone,
  conv2d,
  customGrad,
  engine,
  FusedConv2D,
  type GradSaveFunc,
  matMul,
  mul,
  ones,
  pad,
  relu,
  reshape,
  slice,
  step,
  type Tensor,
  type Tensor4D,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import type { ConvSpec, SubsampleSpec } from './layers.ts';

/** Maps are [B, height, width, channels] (NHWC), which is what tfjs's backends and our kernels convolve. */

type Gradients = { value: Tensor; gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor[] };

/**
 * tfjs's convolutions take filters [height, width, in, out]. The copy that turns [out, in, height, width] into that costs one pass over
 * the filter, and its gradient another one back.
 */
function filterOf(weight: Tensor): Tensor4D {
  return transpose(weight as Tensor4D, [2, 3, 1, 0]);
}

/** Convolution without a bias, with zeros around the map as PyTorch has them. */
export function convolution(x: Tensor, weight: Tensor, { stride, padding }: ConvSpec): Tensor {
  return conv2d(x as Tensor4D, filterOf(weight), stride, padding);
}

/**
 * Convolution with bias and, where `isRelu`, ReLU, in one pass of one kernel. The gradients are those of tfjs, but keep the outcome for
 * that of the ReLU, which the next layer keeps anyway, and sum up that of the bias without a transposed copy of it.
 */
export function convolutionWithBias(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  at: ConvSpec,
  isRelu: boolean,
): Tensor {
  const attrs = { strides: at.stride, pad: at.padding, dataFormat: 'NHWC', dilations: 1 };
  const run = (kernel: string, inputs: Record<string, Tensor>, more: object): Tensor =>
    engine().runKernel(kernel, inputs, { ...attrs, ...more }) as Tensor;
  const operation = customGrad((...given) => {
    const save = given.pop() as GradSaveFunc;
    const [x, filter, bias] = given as [Tensor, Tensor, Tensor];
    const y = run(FusedConv2D, { x, filter, bias }, { activation: isRelu ? 'relu' : 'linear' });
    save(isRelu ? [x, filter, y] : [x, filter]);
    const gradFunc = (dy: Tensor, [x, filter, y]: Tensor[]): Tensor[] =>
      tidy(() => {
        const dz = isRelu ? behindRelu(dy, y!) : dy;
        return [
          run(Conv2DBackpropInput, { dy: dz, filter: filter! }, { inputShape: x!.shape }),
          run(Conv2DBackpropFilter, { x: x!, dy: dz }, { filterShape: filter!.shape }),
          channelSums(dz),
        ];
      });
    return { value: y, gradFunc } satisfies Gradients;
  });
  return operation(x, filterOf(weight), bias);
}

/** Sum over all but the channels, of each image and then of all, which rounds less than one long sum. */
function channelSums(map: Tensor): Tensor {
  const [batch, height, width, channels] = map.shape as [number, number, number, number];
  const pixels = reshape(map, [batch, height * width, channels]);
  const ofImages = matMul(ones([batch, 1, height * width]), pixels);
  return reshape(matMul(ones([1, batch]), reshape(ofImages, [batch, channels])), [channels]);
}

/** relu(x + residual), or of x alone. Keeps its outcome for the gradient, which the next layer keeps anyway, and not x. */
export function reluOf(x: Tensor, residual?: Tensor): Tensor {
  const inputs = residual === undefined ? [x] : [x, residual];
  const operation = customGrad((...given) => {
    const save = given.pop() as GradSaveFunc;
    const [x, residual] = given as Tensor[];
    const y = relu(residual === undefined ? x! : add(x!, residual));
    save([y]);
    const gradFunc = (dy: Tensor, [y]: Tensor[]): Tensor[] => {
      const dx = tidy(() => behindRelu(dy, y!));
      // The tape disposes gradients one by one, so that each input needs a handle of its own.
      return inputs.map((_, i) => (i === 0 ? dx : clone(dx)));
    };
    return { value: y, gradFunc } satisfies Gradients;
  });
  return operation(...inputs);
}

const behindRelu = (dy: Tensor, y: Tensor): Tensor => mul(dy, step(y));

/** Option A's shortcut, as slices and zeros, whose gradients are zeros and slices. */
export function subsampled(x: Tensor, { side, inChannels, padding }: SubsampleSpec): Tensor {
  const rows = (x.shape[0]! * side) / 2;
  const pairs = reshape(x, [rows, 2, side / 2, 2 * inChannels]);
  const kept = slice(pairs, [0, 0, 0, 0], [rows, 1, side / 2, inChannels]);
  const map = reshape(kept, [x.shape[0]!, side / 2, side / 2, inChannels]);
  return pad(map, [
    [0, 0],
    [0, 0],
    [0, 0],
    [padding, padding],
  ]);
}

/** The averages of pool x pool equal parts of a map, in PyTorch's order: [B, channels pool pool]. */
export function averages(x: Tensor, side: number, pool: number): Tensor {
  const window = side / pool;
  const means = window === 1 ? x : avgPool(x as Tensor4D, window, window, 'valid');
  const channelsFirst = pool === 1 ? means : transpose(means, [0, 3, 1, 2]);
  return reshape(channelsFirst, [x.shape[0]!, x.shape[3]! * pool * pool]);
}
