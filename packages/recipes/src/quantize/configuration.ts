import { stateSha256 } from '@proj/tensor-io';
import { type Checkpoint, type Config, requireSameConfig } from '@proj/trainer';
import { RecipeError } from '../error.ts';
import { datasetFingerprint } from '../fingerprint.ts';
import { floatParameters } from './forward.ts';
import type { FloatModel, QuantizeClassifierOptions } from './options.ts';

/** What a run depends on, flat, as checkpoints store it; and the same without the annealing. */
export interface Described {
  readonly config: Config;
  readonly training: Config;
}

export async function quantizationConfig(
  options: QuantizeClassifierOptions<unknown> & { readonly teacher: FloatModel },
  workers: number,
): Promise<Described> {
  const {
    config,
    design,
    start,
    teacher,
    recipe,
    dataset,
    calibrationImages,
    proj = 'copied',
    provenance,
  } = options;
  const { augmentation, annealing, against, ...numbers } = recipe;
  const training: Config = {
    model: config.name,
    classes: config.classes,
    plan: JSON.stringify(design.plan),
    weights: design.weights,
    attention: design.attention,
    startSha256: await stateSha256(floatParameters(config, start)),
    teacher: teacher.config.name,
    teacherSha256: await stateSha256(floatParameters(teacher.config, teacher.state)),
    dataset: dataset.name,
    images: dataset.length,
    ...numbers,
    proj,
    calibrationImages: calibrationImages ?? null,
    augmentation: augmentation === undefined ? null : JSON.stringify(augmentation),
    against: against === undefined ? null : JSON.stringify(against),
    ...(await datasetFingerprint(dataset)),
    workers,
    ...provenance,
  };
  if (annealing === undefined) return { config: training, training };
  const { epochs, boundaryRange, queryKey } = annealing;
  return {
    config: { ...training, annealingEpochs: epochs, boundaryRange, annealedQueryKey: queryKey },
    training,
  };
}

/**
 * The last checkpoint of a training without annealing, as one of the training with it.
 *
 * @throws {RecipeError} `RECIPE_OPTION_INVALID` where that training has not ended; `TrainerError` `TRAINER_CONFIG_MISMATCH` where it was
 * another.
 */
export function annealedFrom(
  finished: Checkpoint | undefined,
  { config, training }: Described,
  steps: number,
): Checkpoint | undefined {
  if (finished === undefined) return undefined;
  requireSameConfig(finished.config, training);
  const { globalStep } = finished.position;
  if (globalStep !== steps) {
    throw new RecipeError(
      'RECIPE_OPTION_INVALID',
      `annealing goes on from the end of a training, step ${steps}; this checkpoint stands at step ${globalStep}. Resume that training first.`,
    );
  }
  return { ...finished, config };
}
