import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { WasmKernelsError } from './error.ts';
import type { Windows } from './kernels.ts';

/** What tfjs says of a convolution. */
export interface ConvolutionAttrs {
  readonly strides: number | [number, number];
  readonly dilations?: number | [number, number] | null;
  readonly pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** A convolution's sizes, as the kernels need them. */
export interface Convolution {
  readonly batch: number;
  readonly inShape: readonly number[];
  readonly outShape: readonly number[];
  readonly filterShape: readonly number[];
  readonly outChannels: number;
  /** Filters per channel, of a depthwise convolution. */
  readonly multiplier: number;
  readonly windows: Windows;
}

/**
 * The sizes of a convolution of images [batch, height, width, channels].
 *
 * @throws {WasmKernelsError} `WASM_KERNELS_BAD_SHAPE` for NCHW and for images that are smaller than the filter.
 */
export function convolutionOf(
  operation: string,
  inShape: readonly number[],
  filterShape: readonly number[],
  { strides, dilations, pad, dataFormat = 'NHWC', dimRoundingMode }: ConvolutionAttrs,
  depthwise = false,
): Convolution {
  if (dataFormat !== 'NHWC') {
    throw new WasmKernelsError(
      'WASM_KERNELS_BAD_SHAPE',
      `${operation}: the wasm backend computes with images [batch, height, width, channels] (NHWC), got ${dataFormat}; bring them there with tf.transpose(x, [0, 2, 3, 1]).`,
    );
  }
  const info = backend_util.computeConv2DInfo(
    inShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
  if (info.outHeight < 1 || info.outWidth < 1) {
    throw new WasmKernelsError(
      'WASM_KERNELS_BAD_SHAPE',
      `${operation}: the filter [${filterShape}] reaches beyond the padded images [${inShape}] with pad = ${JSON.stringify(pad)}; take larger images, a smaller filter or more padding.`,
    );
  }
  return {
    batch: info.batchSize,
    inShape: info.inShape,
    outShape: info.outShape,
    filterShape: info.filterShape,
    outChannels: info.outChannels,
    multiplier: info.outChannels / info.inChannels,
    windows: [
      info.inHeight,
      info.inWidth,
      info.inChannels,
      info.outHeight,
      info.outWidth,
      info.filterHeight,
      info.filterWidth,
      info.strideHeight,
      info.strideWidth,
      info.dilationHeight,
      info.dilationWidth,
      info.padInfo.top,
      info.padInfo.left,
    ],
  };
}

/** Refuses tensors that are not float32 (`WASM_KERNELS_BAD_DTYPE`). */
export function requireFloats(operation: string, tensors: Readonly<Record<string, TensorInfo>>): void {
  // Not by Object.entries: it would take a tenth of a small convolution's time.
  for (const name in tensors) {
    const { dtype } = tensors[name]!;
    if (dtype === 'float32') continue;
    throw new WasmKernelsError(
      'WASM_KERNELS_BAD_DTYPE',
      `${operation}: ${name} must be float32, got ${dtype}; cast it with tf.cast(${name}, 'float32').`,
    );
  }
}
