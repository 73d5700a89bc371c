import { batches, stepsPerEpoch } from '@proj/datasets';
import { toTensors } from '@proj/tensor-io/tfjs';
import { type Batch, type GradientFunction, train } from '@proj/trainer';
import { calibrate, observeImages, quantizedBuffers, quantizedFromFloat } from '@proj/vit/quantized';
import { dispose, slice, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { asAugmented, requireFit, toTensorBatch } from '../batch.ts';
import { sequential } from '../sequential.ts';
import { annealedFrom, quantizationConfig } from './configuration.ts';
import type { QuantizeEvent } from './events.ts';
import { floatParameters } from './forward.ts';
import { type QuantizationGradients, type QuantizationLoss, thisThread } from './gradients.ts';
import { observersOf } from './observers.ts';
import { quantizationOptimizer, trainingSteps } from './optimizer.ts';
import type { QuantizeClassifierOptions } from './options.ts';
import { requireQuantizable } from './requirements.ts';

/**
 * Quantizes a float classifier by training (OFQ, Liu et al. 2023): LSQ's steps are set on the first training batch, augmented as it is, then
 * the model learns from labels and from a float teacher, then, where the recipe says so, confident weights are annealed. All in one run of
 * the trainer, whose events it passes on: killed anywhere and resumed, it ends in the same bits.
 *
 * What the distillation and the optimizer do that the reference does not: see `QuantizationRecipe` and `quantizationGradients`.
 *
 * @throws {RecipeError} `RECIPE_IMAGE_SIZE`, `RECIPE_CLASSES`, `RECIPE_TEACHER`, `RECIPE_OPTION_INVALID`, at once; `VitError` where `start`
 * or the teacher's weights do not fit; `QuantStatsError` for a plan that does not; what `train` and `calibrate` throw.
 */
export function quantizeClassifier<E = never>(
  options: QuantizeClassifierOptions<E>,
): AsyncGenerator<QuantizeEvent<E>, void, void> {
  const { dataset, config, recipe, classNames } = options;
  requireFit(asAugmented(dataset, recipe.augmentation), config, classNames);
  requireQuantizable(options);
  return events(options);
}

async function* events<E>(
  options: QuantizeClassifierOptions<E>,
): AsyncGenerator<QuantizeEvent<E>, void, void> {
  const { config, design, start, recipe, dataset, workers = thisThread } = options;
  const { batchSize, seed, augmentation, annealing } = recipe;
  const steps = stepsPerEpoch({ length: dataset.length, batchSize, dropLast: true });
  const annealFrom = trainingSteps(recipe, steps);
  const inTurn = sequential((epoch, firstStep) =>
    batches(dataset, {
      batchSize,
      seed,
      epoch,
      firstStep,
      dropLast: true,
      classes: config.classes,
      ...(augmentation && { augment: augmentation }),
    }),
  );
  const batch = async (epoch: number, step: number): Promise<Batch> =>
    toTensorBatch(await inTurn(epoch, step), config);

  const teacher = options.teacher ?? { config, state: start };
  const described = await quantizationConfig({ ...options, teacher }, workers.count);
  const resume = options.resume ?? annealedFrom(options.continueFrom, described, annealFrom);
  const gradients = stagedGradients((queryKeyBoundary) =>
    workers.start({ config, design, teacher, labels: recipe.labels, batchSize, queryKeyBoundary }),
  );
  const observers = observersOf(options, annealFrom);
  try {
    const model = resume === undefined ? calibrated(options, await batch(0, 0)) : expected(options);
    if (resume === undefined) yield { kind: 'calibrated', step: 0, images: model.images };
    let announced = false;
    const training = train<Batch, E>({
      parameters: model.parameters,
      buffers: model.buffers,
      valueAndGradients: async (parameters, buffers, batch) => {
        // Of the whole batch, here, so that workers find the flag set.
        const observed = observeImages(config, batch.images, parameters, buffers);
        try {
          return { ...(await gradients.valueAndGradients(parameters, observed, batch)), buffers: observed };
        } catch (error) {
          dispose([...observed.values()].filter((buffer) => ![...buffers.values()].includes(buffer)));
          throw error;
        }
      },
      optimizer: observers.around(quantizationOptimizer(config, design, recipe, steps)),
      ...(observers.companion && { companion: observers.companion }),
      epochs: recipe.epochs + recipe.cooldownEpochs + (annealing?.epochs ?? 0),
      stepsPerEpoch: steps,
      batch: async (epoch, step) => {
        const annealed = annealing?.queryKey === true && epoch * steps + step >= annealFrom;
        await gradients.enter(annealed ? annealing.boundaryRange : undefined);
        return batch(epoch, step);
      },
      config: described.config,
      ...(options.evaluate && { evaluate: options.evaluate }),
      ...(options.checkpoints && { checkpoints: options.checkpoints }),
      resume,
      ...(options.signal && { signal: options.signal }),
    });
    for await (const event of training) {
      if (event.kind === 'step' && event.step > annealFrom && !announced) {
        announced = true;
        yield { kind: 'annealing', step: event.step - 1 };
      }
      yield event;
      if (event.kind === 'step') {
        const record = observers.record(event.step);
        if (record !== undefined) yield { kind: 'oscillation', step: event.step, record };
      }
    }
  } finally {
    await gradients.close();
  }
}

interface StartingModel {
  readonly parameters: Map<string, Tensor>;
  readonly buffers: Map<string, Tensor>;
  readonly images: number;
}

/** The model whose steps the first batch sets, which is disposed. */
function calibrated(
  { config, design, start, calibrationImages, recipe, proj = 'copied' }: QuantizeClassifierOptions<unknown>,
  batch: Batch,
): StartingModel {
  const float = toTensors(floatParameters(config, start));
  try {
    const [all] = batch.images.shape as [number];
    const images = Math.min(all, calibrationImages ?? all);
    const seen = slice(batch.images, 0, images);
    try {
      return { ...calibrate(config, design, float, seen, { proj, seed: recipe.seed }), images };
    } finally {
      seen.dispose();
    }
  } finally {
    dispose([...float.values(), ...Object.values(batch)]);
  }
}

/** Names and shapes of a model that a checkpoint holds. */
function expected({ config, design, start }: QuantizeClassifierOptions<unknown>): StartingModel {
  const float = toTensors(floatParameters(config, start));
  try {
    const buffers = quantizedBuffers(config, design).map(
      ({ name, shape }) => [name, zeros([...shape])] as const,
    );
    return { parameters: quantizedFromFloat(config, design, float), buffers: new Map(buffers), images: 0 };
  } finally {
    dispose([...float.values()]);
  }
}

type Boundary = QuantizationLoss['queryKeyBoundary'];

/** Gradients of a loss that changes once in a run; whoever computed those of the stage before is closed. */
function stagedGradients(start: (boundary: Boundary) => QuantizationGradients) {
  let current: { readonly boundary: Boundary; readonly gradients: QuantizationGradients } | undefined;
  const close = async (): Promise<void> => {
    await current?.gradients.close();
    current = undefined;
  };
  const valueAndGradients: GradientFunction<Batch> = (...given) =>
    current!.gradients.valueAndGradients(...given);
  return {
    close,
    valueAndGradients,
    async enter(boundary: Boundary): Promise<void> {
      if (current !== undefined && current.boundary === boundary) return;
      await close();
      current = { boundary, gradients: start(boundary) };
    },
  };
}
