import {
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  FusedDepthwiseConv2D,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { type Fused, fused } from './activation.ts';
import type { Epilogue } from './batch-product.ts';
import type { Heap } from './heap.ts';
import type { Make } from './outputs.ts';
import { tfjsKernel } from './tfjs-kernel.ts';
import { type Convolution, type ConvolutionAttrs, convolutionOf, requireFloats } from './windows.ts';

/** tfjs's `DepthwiseConv2dNative` for the wasm backend: x [batch, height, width, in], filter [height, width, in, multiplier]. */
export const depthwiseKernel = tfjsKernel<{ x: TensorInfo; filter: TensorInfo }, ConvolutionAttrs>(
  DepthwiseConv2dNative,
  ({ x, filter }, attrs, { heap, make }) => {
    const sizes = convolutionOf('depthwiseConv2d', x.shape, filter.shape, attrs, true);
    return forward(heap, make, x, filter, sizes, {});
  },
);

/** tfjs's `FusedDepthwiseConv2D` for the wasm backend: convolution, bias of one value per output channel, activation. */
export const fusedDepthwiseKernel = tfjsKernel<
  { x: TensorInfo; filter: TensorInfo } & Fused,
  ConvolutionAttrs & Fused
>(FusedDepthwiseConv2D, (inputs, attrs, { backend, heap, make }) => {
  const { x, filter } = inputs;
  const sizes = convolutionOf('fused depthwiseConv2d', x.shape, filter.shape, attrs, true);
  return fused('fused depthwiseConv2d', backend, sizes.outChannels, { ...inputs, ...attrs }, (epilogue) =>
    forward(heap, make, x, filter, sizes, epilogue),
  );
});

/** `DepthwiseConv2dNativeBackpropInput`, which tfjs's wasm backend lacks: dx, also of dilated filters. */
export const depthwiseBackpropInputKernel = tfjsKernel<
  { dy: TensorInfo; filter: TensorInfo },
  ConvolutionAttrs & { inputShape: number[] }
>(DepthwiseConv2dNativeBackpropInput, ({ dy, filter }, attrs, { heap: { kernels, offset }, make }) => {
  const operation = 'the gradient of depthwiseConv2d';
  const sizes = convolutionOf(operation, attrs.inputShape, filter.shape, attrs, true);
  requireFloats(operation, { dy, filter });
  const dx = make(sizes.inShape);
  const { batch, windows, multiplier } = sizes;
  kernels.depthwiseInputGradient(batch, ...windows, multiplier, offset(dy), offset(filter), offset(dx));
  return dx;
});

/** `DepthwiseConv2dNativeBackpropFilter`, which tfjs's wasm backend lacks: dfilter, also of dilated filters. */
export const depthwiseBackpropFilterKernel = tfjsKernel<
  { x: TensorInfo; dy: TensorInfo },
  ConvolutionAttrs & { filterShape: number[] }
>(DepthwiseConv2dNativeBackpropFilter, ({ x, dy }, attrs, { heap: { kernels, offset }, make }) => {
  const operation = 'the gradient of depthwiseConv2d';
  const sizes = convolutionOf(operation, x.shape, attrs.filterShape, attrs, true);
  requireFloats(operation, { x, dy });
  const dFilter = make(sizes.filterShape);
  const { batch, windows, multiplier } = sizes;
  kernels.depthwiseFilterGradient(batch, ...windows, multiplier, offset(x), offset(dy), offset(dFilter));
  return dFilter;
});

function forward(
  { kernels, offset, withScratch }: Heap,
  make: Make,
  x: TensorInfo,
  filter: TensorInfo,
  { batch, windows, multiplier, outShape }: Convolution,
  { bias, low = -Infinity, high = Infinity }: Epilogue,
): TensorInfo {
  requireFloats('depthwiseConv2d', { x, filter });
  const y = make(outShape);
  withScratch(kernels.depthwiseScratch(batch, ...windows, multiplier), (scratch) =>
    kernels.depthwise(
      batch,
      ...windows,
      multiplier,
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
