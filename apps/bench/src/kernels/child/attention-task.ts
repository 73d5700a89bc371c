import { swinConfigs, vitConfig } from '@proj/vit';
import {
  ofqPlan,
  type Prepare,
  type QuantizedDesign,
  qAttention,
  quantizedParameters,
} from '@proj/vit/quantized';
import {
  dispose,
  keep,
  mean,
  memory,
  profile,
  square,
  type Tensor,
  tidy,
  valueAndGrads,
  zeros,
} from '@tensorflow/tfjs-core';
import type { Task } from '../tasks.ts';
import type { Prepared } from './answer.ts';
import { beginning, filled } from './inputs.ts';

/** Forward and backward of one quantized self-attention on tokens as a LayerNorm leaves them, with steps set on these. */
export function attentionTask(task: Task & { kind: 'attention' }): Prepared {
  const { architecture, attn, heads, batch, bits, attention } = task;
  const before = memory().numBytes;
  const config =
    architecture in swinConfigs
      ? swinConfigs[architecture as keyof typeof swinConfigs]
      : vitConfig(architecture);
  const design: QuantizedDesign = { plan: ofqPlan(config, bits), weights: 'statsq', attention };
  const parameters = new Map(
    quantizedParameters(config, design).flatMap(({ name, shape }, i) =>
      name.startsWith(`${attn}.`) && !name.includes('relative_position')
        ? [
            [
              name,
              /\.(weight|bias)$/.test(name) && !name.includes('.move_')
                ? filled(shape, i, 0.06)
                : zeros([...shape]),
            ] as const,
          ]
        : [],
    ),
  );
  const [width, tokens] = [
    parameters.get(`${attn}.proj.weight`)!.shape[0]!,
    parameters.get(`${attn}.proj.input_quant_fn.s`)!.size,
  ];
  const x = filled([batch, tokens, width], 0, 2);
  const dy = filled([batch, tokens, width], 1);
  const own = { weight: bits, activation: bits };
  const spec = { attn, heads, weights: design.weights, attention, bits: own, proj: own };
  const setSteps: Prepare = (initial) => {
    for (const [name, step] of initial()) {
      parameters.get(name)!.dispose();
      parameters.set(name, keep(step));
    }
  };
  qAttention(x, parameters, spec, {}, setSteps).dispose();

  const names = [...parameters.keys()];
  const compute = valueAndGrads((x: Tensor, ...values: Tensor[]) =>
    qAttention(x, new Map(names.map((name, i) => [name, values[i]!])), spec),
  );
  const inputs = [x, ...parameters.values()];
  const run = () => {
    const { value, grads } = compute(inputs, dy);
    dispose([value, ...grads]);
  };
  return {
    run,
    // Single codes may differ where engines round differently, means hardly.
    async check() {
      const { value, grads } = compute(inputs, dy);
      const means = [value, ...grads.slice(0, 1)].map((tensor) => tidy(() => mean(square(tensor))));
      dispose([value, ...grads]);
      return (await Promise.all(means.map(beginning))).flat();
    },
    peakBytes: async () => (await profile(run)).peakBytes - before,
    release: () => dispose([...inputs, dy]),
  };
}
