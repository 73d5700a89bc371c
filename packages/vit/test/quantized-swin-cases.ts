import { random } from '@proj/random';
import { type SwinConfig, type SwinLayers, swin, swinConfigs, type WindowSpec } from '../src/forward.ts';
import type { QuantizedDesign } from '../src/quantized/index.ts';
import { quantizedSwinParameters } from '../src/quantized/swin-parameters.ts';
import { drawn } from './models.ts';
import { quantizedSwin64 } from './quantized-swin64.ts';
import { Quantizers64 } from './quantizers64.ts';
import type { Array64 } from './reference-layers.ts';

/** Two stages: 2 x 2 windows, plain and then shifted; and one window that is the whole map. */
export const tinyConfig: SwinConfig = {
  name: 'tiny',
  imageSize: 16,
  patchSize: 2,
  channels: 3,
  embedDim: 8,
  depths: [2, 1],
  heads: [2, 4],
  windowSize: 4,
  mlpRatio: 2,
  classes: 3,
  layerNormEps: 1e-5,
  preprocessing: swinConfigs.swin_cifar_32.preprocessing,
};
/** Anything between layers and a value, for either kind of layers. */
type Part = <V>(layers: SwinLayers<V>, x: V) => V;

export interface Case {
  readonly design: QuantizedDesign;
  readonly seed: number;
  readonly part: Part;
  readonly input: readonly number[];
}

export const design = (bits: string, rest: Partial<QuantizedDesign> = {}): QuantizedDesign => ({
  plan: { default: bits, 'features.0.0': 'w8a8', head: 'w8a8' },
  weights: 'statsq',
  attention: 'qkr',
  ...rest,
});

const whole: Part = (layers, images) => swin(tinyConfig, layers, images);

/** One block of the first stage. */
const block = (index: 0 | 1): Part => {
  const prefix = `features.1.${index}`;
  const attn = `${prefix}.attn`;
  const window: WindowSpec = {
    side: 8,
    size: 4,
    shift: 2 * index,
    bias: `${attn}.relative_position_bias_table`,
  };
  const eps = tinyConfig.layerNormEps;
  return (layers, x) =>
    layers.mlp(layers.attention(x, { norm: `${prefix}.norm1`, attn, heads: 2, eps, window }), {
      norm: `${prefix}.norm2`,
      mlp: `${prefix}.mlp`,
      eps,
    });
};

const map = [2, 8, 8, 8];
const images = [2, 3, 16, 16];
export const cases: Record<string, Case> = {
  'a block': { design: design('w2a2'), seed: 40, part: block(0), input: map },
  'a block with shifted windows': { design: design('w2a2'), seed: 41, part: block(1), input: map },
  'a block of 4 bits with shifted windows': { design: design('w4a4'), seed: 22, part: block(1), input: map },
  'a whole model': { design: design('w2a2'), seed: 2, part: whole, input: images },
  'a whole model of 3 bits without QKR': {
    design: design('w3a3', { attention: 'plain' }),
    seed: 53,
    part: whole,
    input: images,
  },
  'a whole model with weights by LSQ': {
    design: design('w2a2', { weights: 'lsq', attention: 'plain' }),
    seed: 19,
    part: whole,
    input: images,
  },
  'a whole model with QKR and weights by LSQ': {
    design: design('w2a2', { weights: 'lsq' }),
    seed: 59,
    part: whole,
    input: images,
  },
};

/** Parameters with every part in play, steps near those that data ask for, and an input; all of them float32. */
function drawnCase({ design, seed, part, input }: Case) {
  const draw = (name: string, shape: readonly number[], deviation: number): Array64 =>
    drawn(seed, name, shape, deviation);
  const parameters = new Map<string, Array64>();
  for (const { name, shape } of quantizedSwinParameters(tinyConfig, design)) {
    const values = draw(name, shape, name.includes('move_') ? 0.1 : 0.3);
    const centre = /norm\d?\.weight$|0\.2\.weight$/.test(name) ? 1 : 0;
    parameters.set(name, { shape, data: values.data.map((value) => Math.fround(value + centre)) });
  }
  const x = draw('input', input, 1);
  const start = new Quantizers64(parameters);
  start.mode = 'start';
  part(quantizedSwin64(tinyConfig, design, start), x);
  for (const [name, steps] of start.started) {
    const stream = random(seed, 'steps', name);
    parameters.set(name, {
      shape: [steps.length],
      data: steps.map((step) => Math.fround(step * (0.8 + 0.4 * stream.uniform()))),
    });
  }
  const isPart = (name: string): boolean => start.read.has(name) || start.started.has(name);
  return { parameters: new Map([...parameters].filter(([name]) => isPart(name))), x };
}

/** What float64 says of a case: its value, and how it changes when the input or a parameter moves, all roundings held. */
export function twinOf(entry: Case) {
  const { design, part, seed } = entry;
  const { parameters, x } = drawnCase(entry);
  const moving = new Map(parameters);
  const quantizers = new Quantizers64(moving);
  const layers = quantizedSwin64(tinyConfig, design, quantizers);
  const value = part(layers, x);
  const { margin } = quantizers;
  quantizers.mode = 'hold';
  const along = drawn(seed, 'along', value.shape, 1);
  const sum = (x: Array64): number =>
    part(layers, x).data.reduce((sum, value, i) => sum + value * along.data[i]!, 0);

  /** The derivative of sum(along value) in a direction, by central differences. */
  const slopes = [['input', x] as const, ...parameters].map(([name, { shape, data }]) => {
    const direction = drawn(seed, `direction.${name}`, shape, 1).data;
    const at = (h: number): number => {
      const moved = { shape, data: data.map((value, i) => value + h * direction[i]!) };
      if (name === 'input') return sum(moved);
      moving.set(name, moved);
      return sum(x);
    };
    const h = 1e-5;
    const slope = (at(h) - at(-h)) / (2 * h);
    if (name !== 'input') moving.set(name, parameters.get(name)!);
    return { name, direction, slope };
  });
  return { parameters, x, value, margin, along, slopes };
}
