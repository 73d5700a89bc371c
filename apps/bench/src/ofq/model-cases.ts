import { confidenceGuided, frozenWeights, targetRules } from '@proj/cga';
import type { OfqCase } from '@proj/fixtures';
import { leastEps } from '@proj/qkr';
import type { Bits } from '@proj/quant-stats';
import { adamw, distillation, tapeGradients } from '@proj/trainer';
import { vitOutputs } from '@proj/vit';
import { calibrate, quantizedBuffers, quantizedLayers } from '@proj/vit/quantized';
import { add, div, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { type Computed, type Kind, live, liveGroup, type Parameters } from './kind.ts';
import { gradientsOf } from './layer-cases.ts';
import { modelConfig } from './model-config.ts';

/** Images to the logits of both heads. */
function outputsOf(entry: OfqCase): (x: Tensor, parameters: Parameters) => [Tensor, Tensor] {
  const { config, design } = modelConfig(entry);
  const buffers = new Map(
    quantizedBuffers(config, design).map(({ name, shape }) => [name, zeros([...shape])]),
  );
  return (x, parameters) =>
    vitOutputs(config, quantizedLayers(config, design, parameters, buffers), x) as [Tensor, Tensor];
}

/** The float model that a case's quantized one was made of: the reference keeps its `proj`, and splits its `qkv`. */
const floatOf = (entry: OfqCase): Parameters =>
  new Map([
    ...liveGroup(entry, 'fp.'),
    ...[...liveGroup(entry, 'param.')].filter(([name]) => !/\.s$|\.(move_\w+\.bias|[qkv]\.\w+)$/.test(name)),
  ]);

/** A whole distilled DeiT with QKR: both heads' logits, the distillation loss, the gradients of image and parameters, and its start. */
export const quantizedModel: Kind = {
  is: ({ tensors }) => tensors.has('eval.logits') && tensors.has('teacher_logits'),
  given: /^(x|target|teacher_logits|param\..*|fp\..*)$/,
  compute(entry) {
    const outputs = outputsOf(entry);
    const [teacher, target] = [live(entry, 'teacher_logits'), live(entry, 'target')];
    const loss = (x: Tensor, parameters: Parameters) =>
      distillation(...outputs(x, parameters), teacher, target);
    const [x, parameters] = [live(entry, 'x'), liveGroup(entry, 'param.')];
    const [cls, dist] = outputs(x, parameters);
    const { config, design } = modelConfig(entry);
    const started = calibrate(config, design, floatOf(entry), x).parameters;
    return [
      ['train.cls', cls.dataSync()],
      ['train.dist', dist.dataSync()],
      ['eval.logits', div(add(cls, dist), 2).dataSync()],
      ['loss', loss(x, parameters).dataSync()],
      ...gradientsOf(loss, x, parameters, ''),
      ...[...started].map(([name, tensor]): Computed => [`init.${name}`, tensor.dataSync()]),
    ];
  },
};

/**
 * How far a training may end from the reference's: as far as the reference's own in float32 and in float64 ended apart. Twice that for
 * `move_qkx_*`, whose gradients are noise, so that both float32 trainings stray from the float64 one by as much.
 */
function drift(entry: OfqCase, name: string): number {
  const { f32_vs_f64_trajectory_drift_max_abs: stated } = entry as OfqCase & {
    readonly f32_vs_f64_trajectory_drift_max_abs: Readonly<Record<string, number>>;
  };
  return name.includes('.move_qkx_') ? 2 * stated['move_qkx_*.bias']! : stated['all_other_params']!;
}

/**
 * Steps of AdamW, with CGA where a boundary range is given: losses, gradients, masks and weights of every step, and where the
 * parameters end.
 *
 * With an eps that makes steps of noise, entries whose gradient is noise are not compared, as the case's note asks.
 */
export const trainingSteps: Kind = {
  is: ({ tensors }) => tensors.has('step0.x'),
  given: /^(param0\..*|step\d+\.(x|target|teacher_logits))$/,
  allowed: (entry, name, largest) => {
    if (entry.tensors.get(name)!.dtype === 'int32') return 0;
    return /^(paramN|step\d+\.weight_after)\./.test(name)
      ? Math.max(1e-5 * largest, drift(entry, name))
      : Math.max(2e-5 * largest, drift(entry, name));
  },
  compute(entry) {
    const { steps, bits, boundaryRange, lr, weight_decay, betas, eps } = entry.config as Record<
      'steps' | 'lr' | 'weight_decay' | 'eps',
      number
    > & { bits: Bits; boundaryRange: number | null; betas: [number, number] };
    const outputs = outputsOf(entry);
    const adam = adamw({ learningRate: lr, weightDecay: weight_decay, betas, eps });
    const targets = boundaryRange === null ? () => false : targetRules.deitQkr;
    const freezing = { bits, boundaryRange: boundaryRange ?? 0, targets };
    const optimizer: typeof adam =
      boundaryRange === null
        ? adam
        : confidenceGuided<ReturnType<typeof adam.init>, typeof adam>(adam, freezing);
    const found: Computed[] = [];
    const losses: number[] = [];
    let parameters: Parameters = liveGroup(entry, 'param0.');
    let state = optimizer.init(parameters);
    for (let step = 0; step < steps; step++) {
      const at = (name: string): Tensor => live(entry, `step${step}.${name}`);
      const batch = { images: at('x'), targets: at('target') };
      const { loss, gradients } = tapeGradients((parameters: Parameters) =>
        distillation(...outputs(batch.images, parameters), at('teacher_logits'), batch.targets),
      )(parameters, new Map(), batch);
      losses.push(loss.dataSync()[0]!);
      for (const [name, gradient] of gradients) {
        const values = gradient.dataSync();
        if (!targets(name)) {
          found.push([`step${step}.grad.${name}`, values]);
          continue;
        }
        const mask = frozenWeights(parameters.get(name)!, freezing).dataSync();
        found.push([`step${step}.freeze.${withoutWeight(name)}`, mask]);
        found.push([`step${step}.grad.${name}`, values.map((value, i) => (mask[i] ? 0 : value))]);
      }
      ({ parameters, state } = optimizer.step(parameters, gradients, state));
      for (const [name, tensor] of parameters) {
        found.push([`step${step}.weight_after.${withoutWeight(name)}`, tensor.dataSync().slice()]);
      }
    }
    const ends = [...parameters].map(([name, tensor]): Computed => {
      const values = tensor.dataSync();
      return [`paramN.${name}`, eps < leastEps ? withoutNoise(entry, name, values) : values];
    });
    return [...found, ...ends, ['loss_per_step', losses]];
  },
};

const withoutWeight = (name: string): string => name.replace(/\.weight$/, '');

/** The reference's own values where its first gradient is noise: all of `move_qkx_*`, and entries of 1e-5 or less. */
function withoutNoise({ tensors }: OfqCase, name: string, values: ArrayLike<number>): ArrayLike<number> {
  const gradient = tensors.get(`step0.grad.${name}`)!.data;
  const reference = tensors.get(`paramN.${name}`)!.data;
  const noisy = name.includes('.move_qkx_');
  return Array.from(values, (value, i) => (noisy || Math.abs(gradient[i]!) <= 1e-5 ? reference[i]! : value));
}
