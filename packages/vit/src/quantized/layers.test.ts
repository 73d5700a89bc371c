import '@proj/ops/gradients';
import { crossEntropy, type NamedTensors } from '@proj/ops';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { casesOf, expectGradients, expectReference, group, live } from '../../test/ofq-cases.ts';
import { configOf } from '../../test/ofq-model.ts';
import { describeEverywhere } from '../../test/places.ts';
import type { VitConfig } from '../config.ts';
import { vitConfigs } from '../configurations.ts';
import { vit, vitOutputs } from '../model.ts';
import { qAttention } from './attention.ts';
import { ofqPlan, type QuantizedDesign } from './design.ts';
import { type QuantizedHooks, quantizedLayers } from './layers.ts';
import { quantizedParameters } from './parameters.ts';

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

describeEverywhere('a training', () => {
  it("may put something between each attention's product and its quantizer, whose gradient passes through that", () => {
    tf.tidy(() => {
      const entry = casesOf(/^model_deit_qkr_w2/)[0]!;
      const config = configOf(entry);
      const parameters = group(entry, 'param');
      const x = live(entry, 'x');
      const buffers = new Map([[flag, tf.tensor1d([1])]]);
      for (const weights of ['statsq', 'lsq'] as const) {
        const design = designOf(config, 2, { weights });
        for (const { name, shape } of quantizedParameters(config, design)) {
          if (!parameters.has(name)) parameters.set(name, tf.fill([...shape], 0.02));
        }
        const seen: string[] = [];
        const stopped = (product: tf.Tensor, attn: string): tf.Tensor => {
          seen.push(`${attn} ${product.shape}`);
          return tf.customGrad((product) => ({
            value: tf.clone(product as tf.Tensor),
            gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
          }))(product);
        };
        const largest = (hooks: QuantizedHooks, name: string): number => {
          const run = (w: tf.Tensor) => {
            const own = new Map(parameters).set(name, w);
            return vit(config, quantizedLayers(config, design, own, buffers, hooks), x);
          };
          return tf.max(tf.abs(tf.grad(run)(parameters.get(name)!))).dataSync()[0]!;
        };
        expect(largest({}, 'blocks.0.attn.q.weight')).toBeGreaterThan(0);
        expect(largest({ merged: stopped }, 'blocks.0.attn.q.weight')).toBe(0);
        expect(largest({ merged: stopped }, 'blocks.0.attn.v.weight')).toBeGreaterThan(0);
        expect(seen.slice(0, 2)).toEqual(['blocks.0.attn 72,24', 'blocks.1.attn 72,24']);
      }
    });
  });

  it('is told of images of another size', () => {
    tf.tidy(() => {
      const entry = casesOf(/^model_deit_qkr_w2/)[0]!;
      const config = configOf(entry);
      const layers = quantizedLayers(config, designOf(config, 2), group(entry, 'param'), noBuffers);
      expect(() => vit(config, layers, tf.zeros([1, 3, 40, 40]))).toThrow(
        'images are [1,3,40,40], expected [B, 3, 32, 32]',
      );
    });
  });
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
