import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type SwinConfig, swinConfigs, swinParameters } from '../src/forward.ts';
import type { Array64, Parameters64 } from './reference-layers.ts';

interface Golden {
  readonly tiny: {
    readonly config: Omit<SwinConfig, 'name' | 'preprocessing'>;
    readonly logits: string;
    readonly gradients: Readonly<Record<string, string>>;
  };
  readonly swin_t: {
    readonly state: readonly (readonly [name: string, shape: readonly number[], dtype: string])[];
    readonly parameters: number;
    readonly relativePositionIndex: readonly number[];
    readonly preprocessing: {
      readonly resize: number;
      readonly crop: number;
      readonly interpolation: string;
      readonly mean: readonly number[];
      readonly std: readonly number[];
    };
    readonly logits: string;
    readonly gradients: Readonly<Record<string, readonly [norm: number, along: number]>>;
  };
}

/** What torchvision computes; `golden/make_swin.py` makes it. */
export const golden = JSON.parse(
  gunzipSync(readFileSync(new URL('golden/swin.json.gz', import.meta.url))).toString(),
) as Golden;

/** Three stages of 16, 4 and 1 windows: shifted, shifted, and not since the window is the whole map. */
export const tinySwin: SwinConfig = {
  ...golden.tiny.config,
  name: 'tiny',
  preprocessing: swinConfigs.swin_cifar_32.preprocessing,
};

/** The float32 numbers of an array that is stored as base64. */
export function unpacked(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}

/** Numbers in [-1, 1), 24 bits each, from a hash of the name and of each place: `draws` in make_swin.py. */
export function drawnValues(name: string, shape: readonly number[]): Array64 {
  let seed = 0x811c9dc5;
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  const data = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let x = Math.imul(i, 0x9e3779b9) + seed;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x ^= x >>> 16;
    data[i] = (x >>> 8) / 2 ** 23 - 1;
  }
  return { shape, data };
}

/** Weights as make_swin.py draws them, under the model's name. */
export function drawnWeights(config: SwinConfig): Parameters64 {
  return new Map(
    swinParameters(config).map(({ name, shape }) => {
      const drawn = drawnValues(`${config.name}.${name}`, shape);
      const fanIn = shape.slice(1).reduce((product, dimension) => product * dimension, 1);
      const scaled = (value: number): number => {
        if (name.endsWith('relative_position_bias_table')) return value;
        if (name.endsWith('.bias')) return value * 0.25;
        return shape.length === 1 ? value * 0.25 + 1 : value * Math.sqrt(3 / fanIn);
      };
      return [name, { shape, data: drawn.data.map(scaled) }];
    }),
  );
}
