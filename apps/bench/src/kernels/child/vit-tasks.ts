import type { NamedTensors } from '@proj/ops';
import { adamw, type Batch, crossEntropy, type GradientFunction, tapeGradients } from '@proj/trainer';
import { floatLayers, initVit, type VitConfig, type VitLayers, vit, vitConfig } from '@proj/vit';
import { ofqPlan, quantizedFromFloat, quantizedLayers } from '@proj/vit/quantized';
import { dispose, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { type Task, WEIGHT_SEED } from '../tasks.ts';
import type { Prepared } from './answer.ts';
import { setFreshSteps } from './fresh-steps.ts';
import { beginning, filled } from './inputs.ts';
import { stockLayers, stockParameters } from './stock-layers.ts';
import { trainingTask } from './training-step.ts';

/** Small enough that a thousand steps on one batch change no speed by overflow. */
const LEARNING_RATE = 1e-5;

interface Model {
  readonly config: VitConfig;
  readonly parameters: NamedTensors;
  readonly images: Tensor;
}

function modelOf(task: Task & { kind: 'inference' | 'training' }): Model {
  const config = vitConfig(task.model);
  const { channels, imageSize } = config;
  return {
    config,
    parameters: initVit(config, WEIGHT_SEED),
    images: filled([task.batch, channels, imageSize, imageSize], 2),
  };
}

/** Images to logits. */
export function inferenceTask(task: Task & { kind: 'inference' }, stock: boolean): Prepared {
  const { config, parameters: drawn, images } = modelOf(task);
  const parameters = stock ? stockParameters(drawn) : drawn;
  const layers = stock ? stockLayers(parameters) : floatLayers(parameters);
  const logits = () => tidy(() => vit(config, layers, images));
  return {
    run() {
      const result = logits();
      result.dataSync();
      result.dispose();
    },
    check: () => beginning(logits()),
    release: () => dispose([images, ...parameters.values()]),
  };
}

/** Starts whoever computes the gradients of a model's training in several threads. */
export type TrainingThreads = (config: VitConfig) => {
  readonly valueAndGradients: GradientFunction<Batch>;
  close(): Promise<void>;
};

/** Forward, backward and AdamW step with cross-entropy, in this thread unless `threads` computes the gradients. */
export function vitTrainingTask(
  task: Task & { kind: 'training' },
  stock: boolean,
  threads?: TrainingThreads,
): Prepared {
  const { config, parameters, images } = modelOf(task);
  const targets = tensor1d(
    Int32Array.from({ length: task.batch }, (_, index) => index % config.classes),
    'int32',
  );
  const optimizer = adamw({ learningRate: LEARNING_RATE, weightDecay: 0.05 });
  const batch = { images, targets };
  if (stock)
    return trainingTask(stockParameters(parameters), batch, gradientsOf(config, stockLayers), optimizer);
  if (task.bits !== undefined) {
    const design = { plan: ofqPlan(config, task.bits), weights: 'statsq', attention: 'qkr' } as const;
    const quantized = quantizedFromFloat(config, design, parameters);
    setFreshSteps(config, quantized);
    dispose([...parameters.values()]);
    const buffers = new Map([['patch_embed.proj.input_quant_fn.signed', tensor1d([1])]]);
    const layers = (parameters: NamedTensors) => quantizedLayers(config, design, parameters, buffers);
    const training = trainingTask(quantized, batch, gradientsOf(config, layers), optimizer);
    return {
      ...training,
      release() {
        training.release();
        dispose([...buffers.values()]);
      },
    };
  }
  if (threads === undefined)
    return trainingTask(parameters, batch, gradientsOf(config, floatLayers), optimizer);
  const started = threads(config);
  const training = trainingTask(parameters, batch, started.valueAndGradients, optimizer);
  return {
    ...training,
    release() {
      training.release();
      void started.close();
    },
  };
}

/** Cross-entropy and its gradients by tfjs's tape. */
function gradientsOf(
  config: VitConfig,
  layers: (parameters: NamedTensors) => VitLayers<Tensor>,
): GradientFunction<Batch> {
  return tapeGradients((parameters, _buffers, { images, targets }) =>
    crossEntropy(vit(config, layers(parameters), images), targets),
  );
}
