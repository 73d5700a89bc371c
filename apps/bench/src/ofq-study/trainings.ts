import { type AnyJob, type Job, job } from '../experiment.ts';
import { quantizeClassifier } from '../tasks/quantize-classifier.ts';
import type { QuantizeConfig, QuantizeResult } from '../tasks/quantize-config.ts';
import type { RecipeSettings } from './design.ts';
import type { Method } from './methods.ts';

/** What a training needs to be told besides its method. */
export interface Training {
  readonly settings: Pick<RecipeSettings, 'annealingEpochs' | 'boundaryRange'>;
  /** All but what the method says. */
  readonly config: Omit<
    QuantizeConfig,
    'design' | 'against' | 'annealing' | 'cooldownEpochs' | 'keepCheckpoint'
  >;
  readonly bits: QuantizeConfig['design']['bits'];
  readonly seed: number;
  readonly data: readonly string[];
  readonly float: AnyJob;
  /** Of the label, behind method and bits. */
  readonly called?: string;
}

type QuantizeJob = Job<QuantizeConfig, QuantizeResult>;

/**
 * The job that ends with this method's model. All methods train for the same epochs on the same batches; those with an ending share the
 * training before it, which leaves its checkpoint.
 */
export function training(method: Method, one: Training): QuantizeJob {
  const { settings, bits, seed, data, float, called = '' } = one;
  const { annealingEpochs, boundaryRange } = settings;
  const { design, against, ending } = method;
  const base: Omit<QuantizeConfig, 'cooldownEpochs' | 'keepCheckpoint'> = {
    ...one.config,
    design: { ...design, bits },
    ...(against && { against }),
  };
  const label = (name: string) => `${name}, W${bits}A${bits}${called}`;
  if (ending === undefined || annealingEpochs === 0)
    return job(quantizeClassifier, {
      label: label(method.name),
      config: { ...base, cooldownEpochs: annealingEpochs, keepCheckpoint: false },
      seed,
      data,
      needs: { float },
    });
  const before = job(quantizeClassifier, {
    label: label('StatsQ + QKR, before its end'),
    config: { ...base, cooldownEpochs: 0, keepCheckpoint: true },
    seed,
    data,
    needs: { float },
  });
  return job(quantizeClassifier, {
    label: label(method.name),
    config: {
      ...base,
      cooldownEpochs: 0,
      keepCheckpoint: false,
      annealing: {
        epochs: annealingEpochs,
        boundaryRange: ending === 'plain' ? null : boundaryRange,
        queryKey: ending === 'cga and W_qk',
      },
    },
    seed,
    data,
    needs: { float, training: before },
  });
}
