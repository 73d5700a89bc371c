import type { SwinConfig, SwinLayers, WindowSpec } from '../src/forward.ts';
import { layerBits, type QuantizedDesign } from '../src/quantized/index.ts';
import type { Quantizers64, Sharing } from './quantizers64.ts';
import { type Array64, gelu } from './reference-layers.ts';

type Codes = Pick<Sharing, 'bits' | 'signed'>;

/**
 * A quantized Swin Transformer as loops over float64 numbers: the formulas of the OFQ paper and its code, and nothing of the layers that
 * are compared with it.
 */
export function quantizedSwin64(
  config: SwinConfig,
  design: QuantizedDesign,
  quantizers: Quantizers64,
): SwinLayers<Array64> {
  const bits = layerBits(config, design);
  const get = (name: string): Float64Array => quantizers.get(name);

  const offsets = (before: string, after: string): [Float64Array, Float64Array] => [
    get(`${before}.bias`),
    get(`${after}.bias`),
  ];
  /** A matrix in a block as the design quantizes it, rows of `width`. */
  const matrix = (w: Float64Array, name: string, step: string, width: number, bits: number): Float64Array => {
    const groups = w.length / width;
    if (design.weights === 'statsq') return quantizers.statsq(w, name, groups, bits);
    return quantizers.lsq(w, step, { groups, inner: width, signed: true, bits });
  };
  /** LSQ of a layer's input with a step for each of `groups` tokens, columns or images. */
  const input = (x: Float64Array, prefix: string, sharing: Sharing): Float64Array =>
    quantizers.lsq(
      x,
      `${prefix}.input_quant_fn.s`,
      sharing,
      ...offsets(`${prefix}.move_b4`, `${prefix}.move_aft`),
    );
  const qLinear = (x: Float64Array, prefix: string, groups: number, signed = true): Float64Array => {
    const layer = bits.get(prefix)!;
    return linear(x, prefix, groups, { bits: layer.activation, signed }, layer.weight);
  };
  const linear = (
    x: Float64Array,
    prefix: string,
    groups: number,
    codes: Codes,
    weightBits: number,
  ): Float64Array => {
    const inner = get(`${prefix}.move_b4.bias`).length;
    const weight = matrix(get(`${prefix}.weight`), prefix, `${prefix}.lsqw_fn.s`, inner, weightBits);
    return dense(input(x, prefix, { groups, inner, ...codes }), weight, inner, get(`${prefix}.bias`));
  };
  const norm = (x: Float64Array, prefix: string, eps: number): Float64Array =>
    layerNorm(x, get(`${prefix}.weight`), get(`${prefix}.bias`), eps);

  /** Values, and scores [windows, heads, N, N], of normalised windows [windows, N, C]. */
  const qkr = (x: Float64Array, attn: string, tokens: number, width: number, heads: number) => {
    const { weight, activation } = bits.get(attn)!;
    const codes = { bits: activation, signed: true };
    const t = input(x, `${attn}.quant_x_4_qkv`, { groups: tokens, inner: width, ...codes });
    const [wq, wk] = [get(`${attn}.q.weight`), get(`${attn}.k.weight`)];
    const d = width / heads;
    const product = new Float64Array(heads * width * width);
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < width; i++)
        for (let j = 0; j < width; j++)
          for (let r = h * d; r < (h + 1) * d; r++)
            product[(h * width + i) * width + j]! += wq[r * width + i]! * wk[r * width + j]!;
    const merged = matrix(product, `${attn}.qk`, `${attn}.qk_quant.s`, width, weight);
    const z = quantizers.lsq(
      dense(t, merged, width),
      `${attn}.quan_a_qkx_fn.s`,
      { groups: tokens * heads, inner: width, ...codes },
      ...offsets(`${attn}.move_qkx_b4`, `${attn}.move_qkx_aft`),
    );
    const wv = matrix(get(`${attn}.v.weight`), `${attn}.v`, `${attn}.v_quant.s`, width, weight);
    const v = quantizers.lsq(
      dense(t, wv, width, get(`${attn}.v.bias`)),
      `${attn}.quan_a_v_fn.s`,
      { groups: width, inner: 1, ...codes },
      ...offsets(`${attn}.move_v_b4`, `${attn}.move_v_aft`),
    );
    const score = (b: number, h: number, n: number, m: number): number => {
      let sum = 0;
      for (let i = 0; i < width; i++) {
        sum += t[(b * tokens + n) * width + i]! * z[((b * tokens + m) * heads + h) * width + i]!;
      }
      return sum / Math.sqrt(d);
    };
    return { v, score };
  };
  const plain = (x: Float64Array, attn: string, tokens: number, width: number, heads: number) => {
    const { weight, activation } = bits.get(attn)!;
    const codes = { bits: activation, signed: true };
    const qkv = linear(x, `${attn}.qkv`, tokens, codes, weight);
    const before = get(`${attn}.move_qkv_b4.bias`);
    const part = (name: string, index: number, sharing: Pick<Sharing, 'groups' | 'inner'>): Float64Array =>
      quantizers.lsq(
        Float64Array.from(
          { length: x.length },
          (_, i) => qkv[Math.floor(i / width) * 3 * width + index * width + (i % width)]!,
        ),
        `${attn}.quan_a_${name}_fn.s`,
        { ...sharing, ...codes },
        before.subarray(index * width, (index + 1) * width),
        get(`${attn}.move_${name}_aft.bias`),
      );
    const q = part('q', 0, { groups: tokens, inner: width });
    const k = part('k', 1, { groups: tokens, inner: width });
    const v = part('v', 2, { groups: width, inner: 1 });
    const d = width / heads;
    const score = (b: number, h: number, n: number, m: number): number => {
      let sum = 0;
      for (let i = h * d; i < (h + 1) * d; i++) {
        sum += q[(b * tokens + n) * width + i]! * k[(b * tokens + m) * width + i]!;
      }
      return sum / Math.sqrt(d);
    };
    return { v, score };
  };

  return {
    embed(images, { proj, norm: after, patchSize: p, channels, imageSize, eps }) {
      const { weight, activation } = bits.get(proj)!;
      const pixels = imageSize ** 2;
      const x = input(images.data, proj, { groups: channels, inner: pixels, bits: activation, signed: true });
      const inner = channels * p ** 2;
      const groups = get(`${proj}.bias`).length;
      const kernel = { groups, inner, bits: weight, signed: true };
      const w = quantizers.lsq(get(`${proj}.weight`), `${proj}.lsqw_fn.s`, kernel);
      const side = imageSize / p;
      const shape = [images.shape[0]!, side, side, groups];
      const patches = Float64Array.from({ length: images.data.length }, (_, i) => {
        const [patch, within] = [Math.floor(i / inner), i % inner];
        const [b, place] = [Math.floor(patch / side ** 2), patch % side ** 2];
        const row = Math.floor(place / side) * p + Math.floor((within % p ** 2) / p);
        const column = (place % side) * p + (within % p);
        return x[((b * channels + Math.floor(within / p ** 2)) * imageSize + row) * imageSize + column]!;
      });
      return { shape, data: norm(dense(patches, w, inner, get(`${proj}.bias`)), after, eps) };
    },

    attention(x, { norm: before, attn, heads, eps, window }) {
      const width = x.shape[3]!;
      const tokens = window.size ** 2;
      const order = windowTokens(x.shape[0]!, window);
      const normed = norm(x.data, before, eps);
      const sequences = Float64Array.from(
        { length: x.data.length },
        (_, i) => normed[order[Math.floor(i / width)]!.token * width + (i % width)]!,
      );
      const { v, score } = (design.attention === 'qkr' ? qkr : plain)(sequences, attn, tokens, width, heads);
      const table = get(window.bias);
      const span = 2 * window.size - 1;
      const probabilities: number[] = [];
      for (let b = 0; b < order.length / tokens; b++)
        for (let h = 0; h < heads; h++)
          for (let n = 0; n < tokens; n++) {
            const query = order[b * tokens + n]!;
            const row = Array.from({ length: tokens }, (_, m) => {
              const key = order[b * tokens + m]!;
              const down = query.row - key.row + window.size - 1;
              const right = query.column - key.column + window.size - 1;
              const apart = query.region === key.region ? 0 : -100;
              return Math.exp(score(b, h, n, m) + table[(down * span + right) * heads + h]! + apart);
            });
            const total = row.reduce((sum, value) => sum + value, 0);
            probabilities.push(...row.map((value) => value / total));
          }
      const p = quantizers.lsq(Float64Array.from(probabilities), `${attn}.quan_a_softmax_fn.s`, {
        groups: tokens,
        inner: tokens,
        bits: bits.get(attn)!.activation,
        signed: false,
      });
      const mixed = Float64Array.from({ length: x.data.length }, (_, i) => {
        const [b, n] = [Math.floor(i / width / tokens), Math.floor(i / width) % tokens];
        const h = Math.floor((i % width) / (width / heads));
        let sum = 0;
        for (let m = 0; m < tokens; m++) {
          sum += p[((b * heads + h) * tokens + n) * tokens + m]! * v[(b * tokens + m) * width + (i % width)]!;
        }
        return sum;
      });
      const attended = qLinear(mixed, `${attn}.proj`, tokens);
      const data = x.data.slice();
      for (const [place, { token }] of order.entries())
        for (let i = 0; i < width; i++) data[token * width + i]! += attended[place * width + i]!;
      return { shape: x.shape, data };
    },

    mlp(x, { norm: before, mlp, eps }) {
      const columns = x.shape[2]!;
      const hidden = qLinear(norm(x.data, before, eps), `${mlp}.fc1`, columns).map(gelu);
      const y = qLinear(hidden, `${mlp}.fc2`, columns, false);
      return { shape: x.shape, data: x.data.map((value, i) => value + y[i]!) };
    },

    merge(x, { norm: before, reduction, side, eps }) {
      const [batch, , , width] = x.shape as [number, number, number, number];
      const half = side / 2;
      const merged = Float64Array.from({ length: x.data.length }, (_, i) => {
        const [place, within] = [Math.floor(i / (4 * width)), i % (4 * width)];
        const quarter = Math.floor(within / width);
        const row = 2 * (Math.floor(place / half) % half) + (quarter % 2);
        const column = 2 * (place % half) + Math.floor(quarter / 2);
        const b = Math.floor(place / half ** 2);
        return x.data[((b * side + row) * side + column) * width + (within % width)]!;
      });
      const data = qLinear(norm(merged, before, eps), reduction, half);
      return { shape: [batch, half, half, 2 * width], data };
    },

    head(x, { norm: before, head, eps }) {
      const [batch, rows, columns, width] = x.shape as [number, number, number, number];
      const normed = norm(x.data, before, eps);
      const pooled = new Float64Array(batch * width);
      for (const [i, value] of normed.entries()) {
        pooled[Math.floor(i / (rows * columns * width)) * width + (i % width)]! += value / (rows * columns);
      }
      const { weight, activation } = bits.get(head)!;
      const features = input(pooled, head, {
        groups: 1,
        inner: pooled.length,
        bits: activation,
        signed: true,
      });
      const sharing = { groups: get(`${head}.bias`).length, inner: width, bits: weight, signed: true };
      const w = quantizers.lsq(get(`${head}.weight`), `${head}.lsqw_fn.s`, sharing);
      return { shape: [batch, sharing.groups], data: dense(features, w, width, get(`${head}.bias`)) };
    },
  };
}

/**
 * The tokens of a batch of maps window by window: which it is, where it lies in the rolled map, and in which of the 3 x 3 regions that
 * were neighbours before the roll (torchvision's slices).
 */
function windowTokens(batch: number, { side, size, shift }: WindowSpec) {
  const across = side / size;
  const region = (at: number): number => (at < side - size ? 0 : at < side - shift ? 1 : 2);
  return Array.from({ length: batch * side ** 2 }, (_, i) => {
    const [window, within] = [Math.floor(i / size ** 2), i % size ** 2];
    const b = Math.floor(window / across ** 2);
    const row = (Math.floor(window / across) % across) * size + Math.floor(within / size);
    const column = (window % across) * size + (within % size);
    const token = (b * side + ((row + shift) % side)) * side + ((column + shift) % side);
    return { token, row, column, region: 3 * region(row) + region(column) };
  });
}

/** x wᵀ + bias, rows of both `inner` long. */
function dense(x: Float64Array, w: Float64Array, inner: number, bias?: Float64Array): Float64Array {
  const outputs = w.length / inner;
  return Float64Array.from({ length: (x.length / inner) * outputs }, (_, i) => {
    const [row, column] = [Math.floor(i / outputs) * inner, i % outputs];
    let sum = bias?.[column] ?? 0;
    for (let j = 0; j < inner; j++) sum += x[row + j]! * w[column * inner + j]!;
    return sum;
  });
}

function layerNorm(x: Float64Array, weight: Float64Array, bias: Float64Array, eps: number): Float64Array {
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
}
