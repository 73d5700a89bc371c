import {
  Conv2D,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  FusedConv2D,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { type Fused, fused } from './activation.ts';
import type { Epilogue } from './batch-product.ts';
import { convolveFilterGradient, convolveInputGradient, gradientScratch } from './convolution.ts';
import type { Heap } from './heap.ts';
import type { Make } from './outputs.ts';
import { tfjsKernel } from './tfjs-kernel.ts';
import { type Convolution, type ConvolutionAttrs, convolutionOf, requireFloats } from './windows.ts';

/** tfjs's `Conv2D` for the wasm backend: x [batch, height, width, in], filter [height, width, in, out]. */
export const conv2dKernel = tfjsKernel<{ x: TensorInfo; filter: TensorInfo }, ConvolutionAttrs>(
  Conv2D,
  ({ x, filter }, attrs, { heap, make }) => {
    const sizes = convolutionOf('conv2d', x.shape, filter.shape, attrs);
    return forward(heap, make, x, filter, sizes, {});
  },
);

/** tfjs's `FusedConv2D` for the wasm backend: convolution, bias of one value per output channel, activation. */
export const fusedConv2dKernel = tfjsKernel<
  { x: TensorInfo; filter: TensorInfo } & Fused,
  ConvolutionAttrs & Fused
>(FusedConv2D, (inputs, attrs, { backend, heap, make }) => {
  const { x, filter } = inputs;
  const sizes = convolutionOf('fused conv2d', x.shape, filter.shape, attrs);
  return fused('fused conv2d', backend, sizes.outChannels, { ...inputs, ...attrs }, (epilogue) =>
    forward(heap, make, x, filter, sizes, epilogue),
  );
});

/** tfjs's `Conv2DBackpropInput` for the wasm backend: dx of `Conv2D`, and the transposed convolution. */
export const conv2dBackpropInputKernel = tfjsKernel<
  { dy: TensorInfo; filter: TensorInfo },
  ConvolutionAttrs & { inputShape: number[] }
>(Conv2DBackpropInput, ({ dy, filter }, attrs, { heap: { kernels, offset, withScratch }, make }) => {
  const operation = 'the gradient of conv2d';
  const { batch, windows, outChannels, inShape } = convolutionOf(
    operation,
    attrs.inputShape,
    filter.shape,
    attrs,
  );
  requireFloats(operation, { dy, filter });
  const dx = make(inShape);
  withScratch(gradientScratch(kernels, batch, windows, outChannels), (scratch) =>
    convolveInputGradient(
      kernels,
      batch,
      windows,
      outChannels,
      offset(dy),
      offset(filter),
      offset(dx),
      scratch,
    ),
  );
  return dx;
});

/** `Conv2DBackpropFilter`, which tfjs's wasm backend lacks: dfilter of `Conv2D`. */
export const conv2dBackpropFilterKernel = tfjsKernel<
  { x: TensorInfo; dy: TensorInfo },
  ConvolutionAttrs & { filterShape: number[] }
>(Conv2DBackpropFilter, ({ x, dy }, attrs, { heap: { kernels, offset, withScratch }, make }) => {
  const operation = 'the gradient of conv2d';
  const { batch, windows, outChannels, filterShape } = convolutionOf(
    operation,
    x.shape,
    attrs.filterShape,
    attrs,
  );
  requireFloats(operation, { x, dy });
  const dFilter = make(filterShape);
  withScratch(gradientScratch(kernels, batch, windows, outChannels), (scratch) =>
    convolveFilterGradient(
      kernels,
      batch,
      windows,
      outChannels,
      offset(x),
      offset(dy),
      offset(dFilter),
      scratch,
    ),
  );
  return dFilter;
});

function forward(
  { kernels, offset, withScratch }: Heap,
  make: Make,
  x: TensorInfo,
  filter: TensorInfo,
  { batch, windows, outShape, outChannels }: Convolution,
  { bias, low = -Infinity, high = Infinity }: Epilogue,
): TensorInfo {
  requireFloats('conv2d', { x, filter });
  const y = make(outShape);
  withScratch(kernels.convolutionScratch(batch, ...windows, outChannels), (scratch) =>
    kernels.convolution(
      batch,
      ...windows,
      outChannels,
      offset(x),
      offset(filter),
      bias === undefined ? 0 : offset(bias),
      low,
      high,
      offset(y),
      scratch,
    ),
  );
  return y;
}
