import type { OfqCase } from '@proj/fixtures';
import { distillation } from '@proj/trainer';
import { type VitConfig, vitConfigs, vitOutputs } from '@proj/vit';
import { add, div, grads, reshape, type Tensor, transpose } from '@tensorflow/tfjs-core';
import { parameterOf, quantized, quantizedParts } from '../kernels/quantized-parts.ts';
import { quantizedLayers } from '../kernels/w2a2-layers.ts';
import { type Computed, type Kind, live } from './kind.ts';
import { plainAttention } from './plain-attention.ts';
import { windowAttention } from './window-attention.ts';

type Parameters = ReadonlyMap<string, Tensor>;
/** One layer: its input and its parameters, whose names begin with `layer.`, to its output. */
type Layer = (x: Tensor, parameters: Parameters, entry: OfqCase) => Tensor;

const bitsOf = ({ config }: OfqCase): number =>
  (config['bits'] ?? config['weight_bits'] ?? config['bit'] ?? 2) as number;
const parts = (parameters: Parameters, entry: OfqCase) =>
  quantizedParts(parameterOf(parameters), bitsOf(entry));

/** The reference's modules by the name of what they ran. */
const layers: Readonly<Record<string, Layer>> = {
  'LSQ_input.forward': (x, parameters, { config }) => {
    const get = parameterOf(parameters);
    const [before, after] = [get('layer.move_b4.bias'), get('layer.move_aft.bias')];
    const signed = config['all_positive'] !== true;
    const step = get('layer.input_quant_fn.s');
    return quantized(x, step, x.shape[2]!, config['bit'] as number, signed, { before, after });
  },
  'QLinear.forward': (x, parameters, entry) =>
    parts(parameters, entry).linear(x, 'layer', entry.config['symmetric'] === true),
  'QMLP.forward': (x, parameters, entry) => parts(parameters, entry).mlp(x, 'layer'),
  'LSQ_QLinear4head.forward': (x, parameters, entry) => parts(parameters, entry).head(x, 'layer'),
  'LSQ_QConv2d.forward': (x, parameters, entry) => {
    const patches = parts(parameters, entry).patches(x, 'layer', entry.config['kernel'] as number);
    const [batch, count, outputs] = patches.shape as [number, number, number];
    return reshape(transpose(patches, [0, 2, 1]), [batch, outputs, Math.sqrt(count), Math.sqrt(count)]);
  },
  'QAttention_qkreparam.forward': (x, parameters, entry) =>
    parts(parameters, entry).attention(x, 'layer', entry.config['num_heads'] as number),
  'QAttention_qkreparam_4_cga.forward': (x, parameters, entry) =>
    parts(parameters, entry).attention(x, 'layer', entry.config['num_heads'] as number),
  'QAttention.forward': (x, parameters, entry) =>
    plainAttention(x, parameterOf(parameters), bitsOf(entry), entry.config['num_heads'] as number, 'statsq'),
  'QAttention_lsq.forward': (x, parameters, entry) =>
    plainAttention(x, parameterOf(parameters), bitsOf(entry), entry.config['num_heads'] as number, 'lsq'),
  'QAttention_swin_qkreparam.forward': (x, parameters, entry) =>
    windowAttention(x, parameterOf(parameters), parts(parameters, entry), {
      heads: entry.config['num_heads'] as number,
      window: (entry.config['window'] as number[])[0]!,
      shift: (entry.config['shift'] as number[])[0]!,
    }),
  'Block.forward': (x, parameters, entry) => {
    const eps = entry.config['ln_eps'] as number;
    const heads = entry.config['num_heads'] as number;
    const block = quantizedLayers(parameters, bitsOf(entry));
    const attended = block.attention(x, { norm: 'layer.norm1', attn: 'layer.attn', heads, eps });
    return block.mlp(attended, { norm: 'layer.norm2', mlp: 'layer.mlp', eps });
  },
};

const layerOf = ({ ref }: OfqCase): Layer | undefined => layers[/\.py: (\w+\.forward)/.exec(ref)?.[1] ?? ''];

/** Parameters of a case, under their names with another prefix. */
const parametersOf = (entry: OfqCase, prefix: string): Map<string, Tensor> =>
  new Map(
    [...entry.tensors.keys()]
      .filter((name) => name.startsWith('param.'))
      .map((name) => [prefix + name.slice('param.'.length), live(entry, name)]),
  );

/** Gradients of a scalar or of a value with respect to an input and named parameters, named as the reference names them. */
function gradientsOf(
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

/** A layer's value and all of its gradients. */
export const quantizedLayer: Kind = {
  is: (entry) => layerOf(entry) !== undefined && entry.tensors.has('g'),
  compute(entry) {
    const layer = layerOf(entry)!;
    const parameters = parametersOf(entry, 'layer.');
    const run = (x: Tensor, parameters: Parameters) => layer(x, parameters, entry);
    const x = live(entry, 'x');
    return [
      ['y', run(x, parameters).dataSync()],
      ...gradientsOf(run, x, parameters, 'layer.', live(entry, 'g')),
    ];
  },
};

/** A whole distilled DeiT with QKR: outputs of both heads, the distillation loss, and the gradients of the image and all parameters. */
export const quantizedModel: Kind = {
  is: ({ tensors }) => tensors.has('eval.logits') && tensors.has('teacher_logits'),
  compute(entry) {
    const { config } = entry;
    const vitConfig: VitConfig = {
      ...vitConfigs.deit_tiny_distilled_patch16_224,
      imageSize: config['img'] as number,
      patchSize: config['patch'] as number,
      embedDim: config['embed'] as number,
      depth: config['depth'] as number,
      heads: config['heads'] as number,
      mlpRatio: config['mlp_ratio'] as number,
      classes: config['classes'] as number,
      layerNormEps: config['ln_eps'] as number,
    };
    const outputs = (x: Tensor, parameters: Parameters) =>
      vitOutputs(vitConfig, quantizedLayers(parameters, config['block_bits'] as number), x) as [
        Tensor,
        Tensor,
      ];
    const [teacher, target] = [live(entry, 'teacher_logits'), live(entry, 'target')];
    const loss = (x: Tensor, parameters: Parameters) => {
      const [cls, dist] = outputs(x, parameters);
      return distillation(cls, dist, teacher, target);
    };
    const x = live(entry, 'x');
    const parameters = parametersOf(entry, '');
    const [cls, dist] = outputs(x, parameters);
    return [
      ['train.cls', cls.dataSync()],
      ['train.dist', dist.dataSync()],
      ['eval.logits', div(add(cls, dist), 2).dataSync()],
      ['loss', loss(x, parameters).dataSync()],
      ...gradientsOf(loss, x, parameters, ''),
    ];
  },
};
