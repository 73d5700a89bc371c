import { random } from '@proj/random';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { type VitConfig, vitParameters } from '../src/forward.ts';
import type { Array64, Parameters64 } from './reference-layers.ts';

/** A whole distilled model of 2,000 numbers. */
export const tinyConfig: VitConfig = {
  name: 'tiny',
  imageSize: 8,
  patchSize: 4,
  channels: 2,
  embedDim: 8,
  depth: 2,
  heads: 2,
  mlpRatio: 2,
  classes: 3,
  distilled: true,
  layerNormEps: 1e-6,
  preprocessing: { mean: [0.4, 0.6], std: [0.2, 0.3], interpolation: 'bilinear', cropPct: 1 },
};

/** float32-representable normal draws with a deviation that makes every part of the model matter. */
export function drawn(seed: number, name: string, shape: readonly number[], deviation = 0.4): Array64 {
  const draws = random(seed, name);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return { shape, data: Float64Array.from({ length: size }, () => Math.fround(deviation * draws.normal())) };
}

export function drawnParameters(config: VitConfig, seed: number): Map<string, Array64> {
  return new Map(vitParameters(config).map(({ name, shape }) => [name, drawn(seed, name, shape)]));
}

export function toTensor({ shape, data }: Array64): Tensor {
  return tensor(Float32Array.from(data), [...shape], 'float32');
}

export function toTensors(parameters: Parameters64): Map<string, Tensor> {
  return new Map([...parameters].map(([name, values]) => [name, toTensor(values)]));
}
