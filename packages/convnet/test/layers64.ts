import type { ConvnetLayers, ConvSpec } from '../src/forward.ts';

/** float64 numbers, maps as [B, channels, height, width]. */
export interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

type Shape4 = readonly [batch: number, channels: number, height: number, width: number];

/** The layers as their definitions say, one number after another; batch normalisation with the batch's statistics where `training`. */
export function layers64(state: ReadonlyMap<string, Array64>, training: boolean): ConvnetLayers<Array64> {
  const get = (name: string): Float64Array => state.get(name)!.data;

  const normalise = (x: Array64, norm: string): Array64 => {
    const [batch, channels, height, width] = x.shape as Shape4;
    const pixels = height * width;
    const y = x.data.slice();
    for (let c = 0; c < channels; c++) {
      const places = Array.from({ length: batch * pixels }, (_, i) => {
        const [image, pixel] = [Math.floor(i / pixels), i % pixels];
        return (image * channels + c) * pixels + pixel;
      });
      const average = (of: (value: number) => number) =>
        places.reduce((sum, place) => sum + of(x.data[place]!), 0) / places.length;
      const mean = training ? average((value) => value) : get(`${norm}.running_mean`)[c]!;
      const variance = training ? average((value) => (value - mean) ** 2) : get(`${norm}.running_var`)[c]!;
      const scale = get(`${norm}.weight`)[c]! / Math.sqrt(variance + 1e-5);
      for (const place of places) y[place] = (x.data[place]! - mean) * scale + get(`${norm}.bias`)[c]!;
    }
    return { shape: x.shape, data: y };
  };

  return {
    images: (images) => images,
    conv(x, at, residual) {
      const convolved = convolve(
        x,
        get(`${at.conv}.weight`),
        at.bias ? get(`${at.conv}.bias`) : undefined,
        at,
      );
      const { shape, data } = at.norm === undefined ? convolved : normalise(convolved, at.norm);
      const sum = residual === undefined ? data : data.map((value, i) => value + residual.data[i]!);
      return { shape, data: at.relu ? sum.map((value) => Math.max(value, 0)) : sum };
    },
    maxPool: (x, at) =>
      windows(x, at, (values) => values.reduce((most, value) => Math.max(most, value), -Infinity)),
    subsample(x, { padding }) {
      const [batch, channels, height, width] = x.shape as Shape4;
      const kept = windows(x, { kernel: 1, stride: 2, padding: 0 }, ([value]) => value!);
      const pixels = (height * width) / 4;
      const data = new Float64Array(batch * (channels + 2 * padding) * pixels);
      for (let image = 0; image < batch; image++) {
        const part = kept.data.subarray(image * channels * pixels, (image + 1) * channels * pixels);
        data.set(part, (image * (channels + 2 * padding) + padding) * pixels);
      }
      return { shape: [batch, channels + 2 * padding, height / 2, width / 2], data };
    },
    head(x, { side, pool, linears }) {
      const window = side / pool;
      const means = windows(
        x,
        { kernel: window, stride: window, padding: 0 },
        (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
      );
      const batch = x.shape[0]!;
      return linears.reduce<Array64>((features, { linear, inFeatures, outFeatures }, i) => {
        const [weight, bias] = [get(`${linear}.weight`), get(`${linear}.bias`)];
        const data = Float64Array.from({ length: batch * outFeatures }, (_, place) => {
          const [image, out] = [Math.floor(place / outFeatures), place % outFeatures];
          let sum = bias[out]!;
          for (let j = 0; j < inFeatures; j++) {
            sum += features.data[image * inFeatures + j]! * weight[out * inFeatures + j]!;
          }
          return i === linears.length - 1 ? sum : Math.max(sum, 0);
        });
        return { shape: [batch, outFeatures], data };
      }, means);
    },
  };
}

function convolve(x: Array64, weight: Float64Array, bias: Float64Array | undefined, at: ConvSpec): Array64 {
  const [batch, channels, height, width] = x.shape as Shape4;
  const { kernel, stride, padding, outChannels } = at;
  const after = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
  const shape: Shape4 = [batch, outChannels, after(height), after(width)];
  const data = new Float64Array(shape.reduce((size, dimension) => size * dimension, 1));
  let place = 0;
  for (let image = 0; image < batch; image++) {
    for (let out = 0; out < outChannels; out++) {
      for (let top = -padding; top <= height + padding - kernel; top += stride) {
        for (let left = -padding; left <= width + padding - kernel; left += stride) {
          let sum = bias?.[out] ?? 0;
          for (let c = 0; c < channels; c++) {
            for (let i = Math.max(0, -top); i < kernel && top + i < height; i++) {
              for (let j = Math.max(0, -left); j < kernel && left + j < width; j++) {
                const value = x.data[((image * channels + c) * height + top + i) * width + left + j]!;
                sum += value * weight[((out * channels + c) * kernel + i) * kernel + j]!;
              }
            }
          }
          data[place++] = sum;
        }
      }
    }
  }
  return { shape, data };
}

/** A number for each window of each channel, from those values in it that the map has. */
function windows(
  x: Array64,
  { kernel, stride, padding }: { readonly kernel: number; readonly stride: number; readonly padding: number },
  of: (values: number[]) => number,
): Array64 {
  const [batch, channels, height, width] = x.shape as Shape4;
  const after = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
  const data: number[] = [];
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let row = 0; row < after(height); row++) {
      for (let column = 0; column < after(width); column++) {
        const values: number[] = [];
        for (let i = 0; i < kernel; i++) {
          for (let j = 0; j < kernel; j++) {
            const [y, z] = [row * stride - padding + i, column * stride - padding + j];
            if (y >= 0 && y < height && z >= 0 && z < width)
              values.push(x.data[(plane * height + y) * width + z]!);
          }
        }
        data.push(of(values));
      }
    }
  }
  return { shape: [batch, channels, after(height), after(width)], data: Float64Array.from(data) };
}
