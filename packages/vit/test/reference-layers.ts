import type { VitLayers } from '../src/forward.ts';

/** A float64 array of tokens; the slow, obvious arithmetic that the tensors are compared with. */
export interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export type Parameters64 = ReadonlyMap<string, Array64>;

/** The layers written as loops over float64 numbers. */
export function referenceLayers(parameters: Parameters64): VitLayers<Array64> {
  const get = (name: string): Float64Array => {
    const parameter = parameters.get(name);
    if (parameter === undefined) throw new Error(`no ${name}`);
    return parameter.data;
  };

  /** Rows of `x` times the transposed weight, plus bias. */
  const dense = (x: Float64Array, prefix: string): Float64Array => {
    const weight = get(`${prefix}.weight`);
    const bias = get(`${prefix}.bias`);
    const outputs = bias.length;
    const inputs = weight.length / outputs;
    const y = new Float64Array((x.length / inputs) * outputs);
    for (let i = 0; i < y.length; i++) {
      const row = Math.floor(i / outputs);
      const column = i % outputs;
      let sum = bias[column]!;
      for (let j = 0; j < inputs; j++) sum += x[row * inputs + j]! * weight[column * inputs + j]!;
      y[i] = sum;
    }
    return y;
  };

  const layerNorm = (x: Float64Array, prefix: string, eps: number): Float64Array => {
    const weight = get(`${prefix}.weight`);
    const bias = get(`${prefix}.bias`);
    const width = weight.length;
    const y = new Float64Array(x.length);
    for (let start = 0; start < x.length; start += width) {
      const row = x.subarray(start, start + width);
      const mean = row.reduce((sum, value) => sum + value, 0) / width;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
      for (let i = 0; i < width; i++) {
        y[start + i] = ((row[i]! - mean) / Math.sqrt(variance + eps)) * weight[i]! + bias[i]!;
      }
    }
    return y;
  };

  const plus = (x: Array64, y: Float64Array): Array64 => ({
    shape: x.shape,
    data: x.data.map((value, i) => value + y[i]!),
  });

  return {
    embed: (images, { proj, patchSize: p, channels, imageSize, tokens, position }) => {
      const batch = images.shape[0]!;
      const side = imageSize / p;
      const patches = new Float64Array(images.data.length);
      let at = 0;
      for (let b = 0; b < batch; b++)
        for (let row = 0; row < side; row++)
          for (let column = 0; column < side; column++)
            for (let c = 0; c < channels; c++)
              for (let y = 0; y < p; y++)
                for (let x = 0; x < p; x++)
                  patches[at++] =
                    images.data[((b * channels + c) * imageSize + row * p + y) * imageSize + column * p + x]!;
      const projected = dense(patches, proj);
      const width = get(`${proj}.bias`).length;
      const perImage = side * side * width;
      const sequence = Array.from({ length: batch }, (_, b) => [
        ...tokens.flatMap((name) => [...get(name)]),
        ...projected.subarray(b * perImage, (b + 1) * perImage),
      ]).flat();
      const positions = get(position);
      return {
        shape: [batch, side * side + tokens.length, width],
        data: Float64Array.from(sequence, (value, i) => value + positions[i % positions.length]!),
      };
    },
    attention: (x, { norm, attn, heads, eps }) => {
      const [batch, tokens, width] = x.shape as [number, number, number];
      const d = width / heads;
      const qkv = dense(layerNorm(x.data, norm, eps), `${attn}.qkv`);
      const entry = (part: number, b: number, n: number, h: number, i: number) =>
        qkv[(b * tokens + n) * 3 * width + part * width + h * d + i]!;
      const mixed = new Float64Array(x.data.length);
      for (let b = 0; b < batch; b++)
        for (let h = 0; h < heads; h++)
          for (let n = 0; n < tokens; n++) {
            const scores = Array.from({ length: tokens }, (_, m) => {
              let dot = 0;
              for (let i = 0; i < d; i++) dot += entry(0, b, n, h, i) * entry(1, b, m, h, i);
              return Math.exp(dot / Math.sqrt(d));
            });
            const total = scores.reduce((sum, score) => sum + score, 0);
            for (let i = 0; i < d; i++)
              mixed[(b * tokens + n) * width + h * d + i] = scores.reduce(
                (sum, score, m) => sum + (score / total) * entry(2, b, m, h, i),
                0,
              );
          }
      return plus(x, dense(mixed, `${attn}.proj`));
    },
    mlp: (x, { norm, mlp, eps }) =>
      plus(x, dense(dense(layerNorm(x.data, norm, eps), `${mlp}.fc1`).map(gelu), `${mlp}.fc2`)),
    head: (x, { norm, heads, eps }) => {
      const [batch, tokens, width] = x.shape as [number, number, number];
      const normed = layerNorm(x.data, norm, eps);
      const logits = heads.map(({ head, token }) =>
        dense(
          Float64Array.from({ length: batch * width }, (_, i) => {
            const b = Math.floor(i / width);
            return normed[(b * tokens + token) * width + (i % width)]!;
          }),
          head,
        ),
      );
      const data = logits[0]!.map(
        (_, i) => logits.reduce((sum, values) => sum + values[i]!, 0) / heads.length,
      );
      return { shape: [batch, data.length / batch], data };
    },
  };
}

/** x Phi(x) by the series of erf with positive terms only (Abramowitz and Stegun 7.1.6). */
export function gelu(x: number): number {
  const z = Math.min(Math.abs(x) / Math.SQRT2, 6);
  let term = z;
  let sum = 0;
  for (let n = 1; term > 1e-18 * sum; n++) {
    sum += term;
    term *= (2 * z * z) / (2 * n + 1);
  }
  const erf = (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
  return (x / 2) * (1 + Math.sign(x) * erf);
}
