import type { OfqCase } from '@proj/fixtures';
import { layerNorm } from '@proj/ops';
import { qkrIntermediates } from '@proj/qkr';
import {
  type Bits,
  initLsqInput,
  initQHead,
  initQLinear,
  initQMlp,
  initQPatchEmbed,
  type LayerBits,
  lsqInput,
  lsqTokens,
  type QLinearSpec,
  qHead,
  qLinear,
  qMlp,
  qPatchEmbed,
  quantize,
  statsq2d,
} from '@proj/quant-stats';
import {
  type Prepare,
  type QAttentionSpec,
  qAttention,
  quantizedLayers,
  qWindowAttention,
} from '@proj/vit/quantized';
import {
  dispose,
  grads,
  keep,
  reshape,
  type Tensor,
  transpose,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { type Computed, type Kind, live, liveGroup, type Parameters } from './kind.ts';
import { blockConfig } from './model-config.ts';

/** One of the reference's modules, with parameters whose names begin with the prefix. */
interface Layer {
  /** Its input and its parameters to its output. */
  run(x: Tensor, parameters: Parameters, entry: OfqCase): Tensor;
  /** The steps that it starts with. */
  init?(x: Tensor, parameters: Parameters, entry: OfqCase): Parameters;
  /** What the reference recorded on the way. */
  stages?(x: Tensor, parameters: Parameters, entry: OfqCase): Parameters;
}

/** A block's, so that a whole model's layers find them too. */
const ROOT = 'blocks.0';
const AT = `${ROOT}.`;

/** Bits of a layer's weight and input; the reference's classes call them differently. */
function bitsOf({ config }: OfqCase): LayerBits {
  const both = config['bits'] ?? config['bit'];
  const [weight, activation] = [config['weight_bits'] ?? both ?? 2, config['input_bits'] ?? both ?? 2];
  return { weight: weight as Bits, activation: activation as Bits };
}

const linearSpec = (entry: OfqCase): QLinearSpec => ({
  prefix: ROOT,
  bits: bitsOf(entry),
  signed: entry.config['symmetric'] === true,
  weights: 'statsq',
});

const mlpSpec = (entry: OfqCase) =>
  ({ prefix: ROOT, fc1: bitsOf(entry), fc2: bitsOf(entry), weights: 'statsq' }) as const;

const lsqSpec = ({ config }: OfqCase) => ({
  prefix: ROOT,
  quantizer: lsqTokens(config['bit'] as Bits, config['all_positive'] !== true),
});

const attentionSpec = (
  entry: OfqCase,
  design: Pick<QAttentionSpec, 'weights' | 'attention'>,
): QAttentionSpec => ({
  ...design,
  attn: ROOT,
  heads: entry.config['num_heads'] as number,
  bits: bitsOf(entry),
  proj: bitsOf(entry),
});

/** The steps that a pass through an attention sets, each before it is read. */
function startedBy(
  parameters: Parameters,
  run: (growing: Parameters, prepare: Prepare) => Tensor,
): Parameters {
  const [growing, steps] = [new Map(parameters), new Map<string, Tensor>()];
  run(growing, (initial) => {
    for (const [name, step] of initial()) {
      if (!name.endsWith('.s')) continue;
      // The layer's own tidying must not reach it.
      growing.set(name, keep(step));
      steps.set(name, step);
    }
  });
  return steps;
}

const attention = (design: Pick<QAttentionSpec, 'weights' | 'attention'>): Layer => ({
  run: (x, parameters, entry) => qAttention(x, parameters, attentionSpec(entry, design)),
  init: (x, parameters, entry) =>
    startedBy(parameters, (growing, prepare) =>
      qAttention(x, growing, attentionSpec(entry, design), {}, prepare),
    ),
});

const QKR = { weights: 'statsq', attention: 'qkr' } as const;

const qkr: Layer = {
  ...attention(QKR),
  stages: (x, parameters, entry) => {
    const { heads, bits, proj } = attentionSpec(entry, QKR);
    const spec = { heads, weightBits: bits.weight, activationBits: bits.activation, proj };
    return qkrIntermediates(x, parameters, ROOT, spec);
  },
};

/** Windows of a map; one that fills the map is not shifted, as in the reference. */
function windowed(entry: OfqCase, side: number) {
  const size = (entry.config['window'] as number[])[0]!;
  const shift = size >= side ? 0 : (entry.config['shift'] as number[])[0]!;
  const window = { side, size, shift, bias: `${AT}relative_position_bias_table` };
  return { ...attentionSpec(entry, QKR), window };
}

/** The reference's modules by the name of what they ran. */
const layers: Readonly<Record<string, Layer>> = {
  LSQ_input: {
    run: (x, parameters, entry) => lsqInput(x, parameters, lsqSpec(entry)),
    init: (x, _, entry) => initLsqInput(x, lsqSpec(entry)),
  },
  QLinear: {
    run: (x, parameters, entry) => qLinear(x, parameters, linearSpec(entry)),
    init: (x, parameters, entry) => initQLinear(x, parameters, linearSpec(entry)),
    stages: (_, parameters, entry) => {
      const weight = parameters.get(`${AT}weight`)!;
      const out = quantize(statsq2d(bitsOf(entry).weight), weight);
      return new Map([
        ['statsq_fn.in', weight],
        ['statsq_fn.out', out],
      ]);
    },
  },
  QMLP: {
    run: (x, parameters, entry) => qMlp(x, parameters, mlpSpec(entry)),
    init: (x, parameters, entry) => initQMlp(x, parameters, mlpSpec(entry)),
  },
  LSQ_QLinear4head: {
    run: (x, parameters, entry) => qHead(x, parameters, { prefix: ROOT, bits: bitsOf(entry) }),
    init: (x, parameters, entry) => initQHead(x, parameters, { prefix: ROOT, bits: bitsOf(entry) }),
  },
  LSQ_QConv2d: {
    run: (x, parameters) => {
      const flag = new Map([[`${AT}input_quant_fn.signed`, zeros([1])]]);
      const patches = qPatchEmbed(x, parameters, flag, embedSpec);
      const [batch, count, outputs] = patches.shape as [number, number, number];
      const side = Math.sqrt(count);
      return reshape(transpose(patches, [0, 2, 1]), [batch, outputs, side, side]);
    },
    init: (x, parameters) => initQPatchEmbed(x, parameters, embedSpec).parameters,
  },
  QAttention_qkreparam: qkr,
  QAttention_qkreparam_4_cga: qkr,
  QAttention: attention({ weights: 'statsq', attention: 'plain' }),
  QAttention_lsq: attention({ weights: 'lsq', attention: 'plain' }),
  QAttention_swin_qkreparam: {
    run: (x, parameters, entry) => qWindowAttention(x, parameters, windowed(entry, x.shape[1]!)),
    init: (x, parameters, entry) =>
      startedBy(parameters, (growing, prepare) =>
        qWindowAttention(x, growing, windowed(entry, x.shape[1]!), prepare),
      ),
  },
  Block: {
    run: (x, parameters, entry) => {
      const { attention, mlp, eps } = blockLayers(parameters, entry);
      return mlp(attention(x), { norm: `${AT}norm2`, mlp: `${AT}mlp`, eps });
    },
    init: (x, parameters, entry) => {
      const normed = (x: Tensor, norm: string): Tensor =>
        layerNorm(x, parameters.get(`${AT}${norm}.weight`)!, parameters.get(`${AT}${norm}.bias`)!, eps);
      const { eps } = blockConfig(entry);
      const spec = { ...attentionSpec(entry, QKR), attn: `${AT}attn` };
      const first = startedBy(parameters, (growing, prepare) =>
        qAttention(normed(x, 'norm1'), growing, spec, {}, prepare),
      );
      const { attention } = blockLayers(new Map([...parameters, ...first]), entry);
      const mlp = { ...mlpSpec(entry), prefix: `${AT}mlp` };
      return new Map([...first, ...initQMlp(normed(attention(x), 'norm2'), parameters, mlp)]);
    },
  },
};

function blockLayers(parameters: Parameters, entry: OfqCase) {
  const { eps, heads, config, design } = blockConfig(entry);
  const layers = quantizedLayers(config, design, parameters, new Map());
  const at = { norm: `${AT}norm1`, attn: `${AT}attn`, heads, eps };
  return { attention: (x: Tensor) => layers.attention(x, at), mlp: layers.mlp, eps };
}

const embedSpec = { prefix: ROOT, bits: { weight: 8, activation: 8 } } as const;

const layerOf = ({ ref }: OfqCase): Layer | undefined => layers[/\.py: (\w+)\.forward/.exec(ref)?.[1] ?? ''];

/** Gradients of a scalar or of a value with respect to an input and named parameters, named as the reference names them. */
export function gradientsOf(
  run: (x: Tensor, parameters: Parameters) => Tensor,
  x: Tensor,
  parameters: Parameters,
  prefix: string,
  dy?: Tensor,
): Computed[] {
  const names = [...parameters.keys()];
  const f = (x: Tensor, ...values: Tensor[]) => run(x, new Map(values.map((value, i) => [names[i]!, value])));
  const [dx, ...gradients] = grads(f as (...inputs: Tensor[]) => Tensor)([x, ...parameters.values()], dy);
  return [
    ['dx', dx!.dataSync()],
    ...names.map((name, i): Computed => [`grad.${name.slice(prefix.length)}`, gradients[i]!.dataSync()]),
  ];
}

/** A layer's value, all of its gradients, the steps that it starts with, and with QKR what is between its quantizers. */
export const quantizedLayer: Kind = {
  is: (entry) => layerOf(entry) !== undefined && entry.tensors.has('g'),
  // Stages of other modules than QKR's are not laid open.
  given: /^([xg]$|param\.|inter\.(?!qk_quant|statsq_fn))/,
  compute(entry) {
    const { run, init, stages } = layerOf(entry)!;
    const parameters = liveGroup(entry, 'param.', AT);
    const x = live(entry, 'x');
    const value = (x: Tensor, parameters: Parameters) => run(x, parameters, entry);
    // The reference starts from offsets of 0, and has moved them since.
    const fresh = new Map(
      [...parameters].map(([name, tensor]) => [name, name.includes('move_') ? zerosLike(tensor) : tensor]),
    );
    const started = init?.(x, fresh, entry) ?? new Map();
    const start = [...started].map(
      ([name, step]): Computed => [`init.${name.slice(AT.length)}`, step.dataSync()],
    );
    dispose([...started.values()]);
    const between = stages?.(x, parameters, entry) ?? [];
    return [
      ['y', value(x, parameters).dataSync()],
      ...gradientsOf(value, x, parameters, AT, live(entry, 'g')),
      ...start,
      ...[...between].map(([name, tensor]): Computed => [`inter.${name}`, tensor.dataSync()]),
    ];
  },
};
