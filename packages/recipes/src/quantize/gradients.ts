import { frozenGradient } from '@proj/cga';
import type { NamedTensors } from '@proj/ops';
import { toTensors } from '@proj/tensor-io/tfjs';
import { type Batch, distillation, type GradientFunction, tapeGradients } from '@proj/trainer';
import type { SwinConfig, VitConfig } from '@proj/vit';
import { layerBits, type QuantizedDesign } from '@proj/vit/quantized';
import { argMax, dispose, mul, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { floatOutputs, floatParameters, quantizedOutputs } from './forward.ts';
import type { FloatModel } from './options.ts';
import type { QuantizationRecipe } from './recipe.ts';

/** Everything that loss and gradients depend on; can be cloned, for workers. */
export interface QuantizationLoss {
  readonly config: VitConfig | SwinConfig;
  readonly design: QuantizedDesign;
  readonly teacher: FloatModel;
  readonly labels: QuantizationRecipe['labels'];
  /** Images of a whole batch, of which a worker may see a part. */
  readonly batchSize: number;
  /** BR beyond which gradients of QKR's product are held back, while it is annealed. */
  readonly queryKeyBoundary?: number | undefined;
}

/** Who computes the gradients, if not this thread alone; `quantizationWorkers` of `@proj/recipes/node` makes some. */
export interface QuantizationWorkers {
  /** Results depend on it, so it stands in checkpoints and is compared on resume. */
  readonly count: number;
  start(loss: QuantizationLoss): QuantizationGradients;
}

export interface QuantizationGradients {
  readonly valueAndGradients: GradientFunction<Batch>;
  close(): Promise<void>;
}

/** This thread alone. */
export const thisThread: QuantizationWorkers = { count: 1, start: quantizationGradients };

interface DistillationBatch extends Batch {
  readonly teacherLogits: Tensor;
}

/**
 * OFQ's distillation loss and its gradients: CE(cls, y) + softCE(dist, softmax(teacher's cls)), both on the one head of a model that has one.
 *
 * The teacher is computed outside the tape and never changes; its distillation head is not asked. A shard of a batch gives the gradients
 * that it has as a part of the whole: LSQ divides those of an activation's step by the root of the elements that share it, images among
 * them, which would make each of K workers' gradients √K times as large (and does in the reference's distributed training).
 */
export function quantizationGradients(loss: QuantizationLoss): QuantizationGradients {
  const { teacher, labels, batchSize } = loss;
  const tape = distillationGradients(loss);
  const teacherParameters = toTensors(floatParameters(teacher.config, teacher.state));

  return {
    async valueAndGradients(parameters, buffers, { images, targets }) {
      const teacherLogits = tidy(() => floatOutputs(teacher.config, teacherParameters, images)[0]!);
      const hard = labels === 'teacher' ? argMax(teacherLogits, 1) : targets;
      try {
        const result = tape(parameters, buffers, { images, targets: hard, teacherLogits });
        const share = images.shape[0]! / batchSize;
        return { ...result, gradients: ofWholeBatch(result.gradients, share) };
      } finally {
        dispose(hard === targets ? teacherLogits : [teacherLogits, hard]);
      }
    },
    async close() {
      dispose([...teacherParameters.values()]);
    },
  };
}

/** Loss and gradients once the teacher has spoken. */
export function distillationGradients({
  config,
  design,
  queryKeyBoundary,
}: Pick<QuantizationLoss, 'config' | 'design' | 'queryKeyBoundary'>) {
  const bits = layerBits(config, design);
  const hooks =
    queryKeyBoundary === undefined
      ? {}
      : {
          merged: (product: Tensor, attn: string) =>
            frozenGradient(product, { bits: bits.get(attn)!.weight, boundaryRange: queryKeyBoundary }),
        };
  return tapeGradients<DistillationBatch>((parameters, buffers, { images, targets, teacherLogits }) => {
    const outputs = quantizedOutputs({ config, design, parameters, buffers }, images, hooks);
    return distillation(outputs[0]!, outputs.at(-1)!, teacherLogits, targets);
  });
}

/** Steps of weights share none of a batch's elements: `lsqw_fn.s`, and `qk_quant.s` and `v_quant.s` of QKR with LSQ. */
const isActivationStep = (name: string): boolean =>
  name.endsWith('.s') && !/\.(lsqw_fn|qk_quant|v_quant)\.s$/.test(name);

/** Gradients of a shard, consumed, with those of activations' steps scaled as in the whole batch. */
function ofWholeBatch(gradients: NamedTensors, share: number): NamedTensors {
  if (share === 1) return gradients;
  return new Map(
    [...gradients].map(([name, gradient]) => {
      if (!isActivationStep(name)) return [name, gradient];
      const scaled = mul(gradient, Math.sqrt(share));
      gradient.dispose();
      return [name, scaled];
    }),
  );
}
