import '@proj/ops/gradients';
import { crossEntropy, type NamedTensors } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import { it } from 'vitest';
import { casesOf, expectGradients, expectReference, group, live } from '../../test/ofq-cases.ts';
import { configOf } from '../../test/ofq-model.ts';
import { describeEverywhere } from '../../test/places.ts';
import type { VitConfig } from '../config.ts';
import { vitConfigs } from '../configurations.ts';
import { vit, vitOutputs } from '../model.ts';
import { qAttention } from './attention.ts';
import { ofqPlan, type QuantizedDesign } from './design.ts';
import { quantizedLayers } from './layers.ts';

const designOf = (
  config: VitConfig,
  bits: unknown,
  rest: Partial<QuantizedDesign> = {},
): QuantizedDesign => ({
  plan: ofqPlan(config, bits as 2),
  weights: 'statsq',
  attention: 'qkr',
  ...rest,
});
const noBuffers: NamedTensors = new Map();
const flag = 'patch_embed.proj.input_quant_fn.signed';

describeEverywhere('a quantized DeiT', () => {
  it.each(casesOf(/^model_deit_qkr_/).map((entry) => [entry.name, entry] as const))(
    'has the outputs, the loss and every gradient of the reference: %s',
    (_, entry) => {
      tf.tidy(() => {
        const config = configOf(entry);
        const design = designOf(config, entry.config['block_bits']);
        const buffers = new Map([[flag, tf.tensor1d([0])]]);
        const [parameters, teacher] = [group(entry, 'param'), tf.softmax(live(entry, 'teacher_logits'))];
        const outputs = (x: tf.Tensor, parameters: NamedTensors) =>
          vitOutputs(config, quantizedLayers(config, design, parameters, buffers), x) as [
            tf.Tensor,
            tf.Tensor,
          ];
        const loss = (x: tf.Tensor, parameters: NamedTensors) => {
          const [cls, dist] = outputs(x, parameters);
          return tf.add(crossEntropy(cls, live(entry, 'target')), crossEntropy(dist, teacher));
        };
        const x = live(entry, 'x');
        const [cls, dist] = outputs(x, parameters);
        expectReference(entry, 'train.cls', cls);
        expectReference(entry, 'train.dist', dist);
        const logits = vit(config, quantizedLayers(config, design, parameters, buffers), x);
        expectReference(entry, 'eval.logits', logits);
        expectReference(entry, 'loss', tf.reshape(loss(x, parameters), []));
        expectGradients(entry, loss, parameters);
      });
    },
  );
});

describeEverywhere('a quantized block', () => {
  it.each(casesOf(/^block_qkr_/).map((entry) => [entry.name, entry] as const))(
    "has the reference's value and gradients: %s",
    (_, entry) => {
      tf.tidy(() => {
        const {
          dim,
          num_heads: heads,
          mlp_hidden: hidden,
          bits,
          ln_eps: eps,
        } = entry.config as Record<string, number>;
        const config = {
          ...vitConfigs.deit_tiny_patch16_224,
          embedDim: dim!,
          heads: heads!,
          mlpRatio: hidden! / dim!,
          depth: 1,
        };
        const run = (x: tf.Tensor, parameters: NamedTensors) => {
          const layers = quantizedLayers(config, designOf(config, bits), parameters, noBuffers);
          const block = 'blocks.0';
          const attended = layers.attention(x, {
            norm: `${block}.norm1`,
            attn: `${block}.attn`,
            heads: heads!,
            eps: eps!,
          });
          return layers.mlp(attended, { norm: `${block}.norm2`, mlp: `${block}.mlp`, eps: eps! });
        };
        const parameters = group(entry, 'param', 'blocks.0.');
        expectReference(entry, 'y', run(live(entry, 'x'), parameters));
        expectGradients(entry, run, parameters, { prefix: 'blocks.0.', dy: live(entry, 'g') });
      });
    },
  );
});

describeEverywhere('a quantized attention', () => {
  it.each(casesOf(/^attn_/).map((entry) => [entry.name, entry] as const))(
    "has the reference's value and gradients, with QKR and without, by StatsQ and LSQ: %s",
    (_, entry) => {
      tf.tidy(() => {
        const bits = (entry.config['bits'] ?? 2) as 2;
        const both = { weight: bits, activation: bits };
        const spec = {
          attn: 'attn',
          heads: entry.config['num_heads'] as number,
          bits: both,
          proj: both,
          weights: entry.name.includes('lsq') ? ('lsq' as const) : ('statsq' as const),
          attention: entry.name.includes('qkr') ? ('qkr' as const) : ('plain' as const),
        };
        const run = (x: tf.Tensor, parameters: NamedTensors) => qAttention(x, parameters, spec);
        const parameters = group(entry, 'param', 'attn.');
        expectReference(entry, 'y', run(live(entry, 'x'), parameters));
        expectGradients(entry, run, parameters, { prefix: 'attn.', dy: live(entry, 'g') });
      });
    },
  );
});
