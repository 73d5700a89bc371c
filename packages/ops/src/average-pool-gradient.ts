import {
  backend_util,
  getGradient,
  mul,
  type NamedAttrMap,
  registerGradient,
  type Tensor,
  tensor,
} from '@tensorflow/tfjs-core';

/** What tfjs says of a pooling: of images in two or three dimensions. */
interface PoolAttrs {
  readonly filterSize: number | number[];
  readonly strides: number | number[];
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** One dimension of a pooling: input, output, window, stride, padding before. */
type Side = readonly [size: number, outSize: number, filter: number, stride: number, before: number];

/**
 * Puts the gradients of `tf.avgPool` and `tf.avgPool3d` right where windows reach into the padding. The mean is taken over what a
 * window has inside, and tfjs-core's gradient divides by the whole window all the same.
 */
export function repairAveragePoolGradients(): void {
  repair('AvgPool', sides2d);
  repair('AvgPool3D', sides3d);
}

function repair(kernelName: string, sidesOf: (shape: number[], attrs: PoolAttrs) => Side[]): void {
  const registered = getGradient(kernelName);
  registerGradient({
    ...registered,
    gradFunc: (dy, saved, attrs: NamedAttrMap) => {
      const factors = sidesOf(saved[0]!.shape, attrs as unknown as PoolAttrs).map(windowPerInside);
      // [1, outHeight, outWidth, 1], or with the depth in front: the whole window over what is inside.
      const scaled = factors.reduce((dy, factor, axis) => {
        if (factor.every((value) => value === 1)) return dy;
        const shape = [1, ...factors.map((_, other) => (other === axis ? factor.length : 1)), 1];
        return mul(dy, tensor(factor, shape));
      }, dy as Tensor);
      return registered.gradFunc(scaled, saved, attrs);
    },
  });
}

function windowPerInside([size, outSize, filter, stride, before]: Side): number[] {
  return Array.from({ length: outSize }, (_, i) => {
    const start = i * stride - before;
    return filter / (Math.min(start + filter, size) - Math.max(start, 0));
  });
}

function sides2d(shape: number[], { filterSize, strides, pad, dimRoundingMode }: PoolAttrs): Side[] {
  const info = backend_util.computePool2DInfo(
    shape as [number, number, number, number],
    filterSize as [number, number],
    strides as [number, number],
    1,
    pad,
    dimRoundingMode,
  );
  return [
    [info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, info.padInfo.top],
    [info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, info.padInfo.left],
  ];
}

function sides3d(shape: number[], { filterSize, strides, pad, dimRoundingMode }: PoolAttrs): Side[] {
  const info = backend_util.computePool3DInfo(
    shape as [number, number, number, number, number],
    filterSize as [number, number, number],
    strides as [number, number, number],
    1,
    pad,
    dimRoundingMode,
  );
  return [
    [info.inDepth, info.outDepth, info.filterDepth, info.strideDepth, info.padInfo.front],
    [info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, info.padInfo.top],
    [info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, info.padInfo.left],
  ];
}
