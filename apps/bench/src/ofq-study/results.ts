import type { Finished, Outcome } from '../experiment.ts';
import type { EvaluateQuantizedConfig, EvaluateQuantizedResult } from '../tasks/evaluate-config.ts';
import { evaluateQuantized } from '../tasks/evaluate-quantized.ts';
import { quantizeClassifier } from '../tasks/quantize-classifier.ts';
import type { QuantizeConfig, QuantizeResult } from '../tasks/quantize-config.ts';
import type { Method } from './methods.ts';

export type Quantized = Finished<QuantizeConfig, QuantizeResult>;
export type Evaluated = Finished<EvaluateQuantizedConfig, EvaluateQuantizedResult>;

/** The finished jobs of a study, found by what they are made of. */
export class StudyResults {
  readonly #quantized: readonly Quantized[];
  readonly #evaluated: readonly Evaluated[];

  constructor(outcome: Pick<Outcome, 'of'>) {
    this.#quantized = outcome.of(quantizeClassifier);
    this.#evaluated = outcome.of(evaluateQuantized);
  }

  /** The training that ends with this method's model. */
  quantized(method: Method, bits: number, seed: number): Quantized | undefined {
    return this.#quantized.find(
      (one) => one.seed === seed && one.config.design.bits === bits && isOf(method, one.config),
    );
  }

  /** The training that this one went on from. */
  before({ config, seed }: Quantized): Quantized | undefined {
    const { annealing, ...rest } = config;
    if (annealing === undefined) return undefined;
    const same = JSON.stringify({ ...rest, keepCheckpoint: true });
    return this.#quantized.find((one) => one.seed === seed && JSON.stringify(one.config) === same);
  }

  /** The steps set and nothing trained. */
  calibrated(weights: string, bits: number, seed: number): Quantized | undefined {
    return this.#quantized.find(
      ({ config, seed: own }) =>
        own === seed &&
        config.epochs === 0 &&
        config.design.bits === bits &&
        config.design.weights === weights,
    );
  }

  /** What a model got on these images; without a model, the float one. @param data the first name of the images' data. */
  evaluated(model: Quantized | 'float' | undefined, seed: number, data?: string): Evaluated | undefined {
    if (model === undefined) return undefined;
    return this.#evaluated.find(
      ({ config, seed: own, result }) =>
        own === seed &&
        result.model === (model === 'float' ? result.float : model.result.sha256) &&
        (data === undefined || config.images[0]!.data[0] === data),
    );
  }
}

function isOf({ design, against, ending }: Method, config: QuantizeConfig): boolean {
  // Of those that go on from another training, only the ends count.
  if (config.epochs === 0 || config.keepCheckpoint) return false;
  return (
    config.design.weights === design.weights &&
    config.design.attention === design.attention &&
    config.against?.method === against?.method &&
    (config.annealing === undefined || endingOf(config.annealing) === ending)
  );
}

const endingOf = ({
  boundaryRange,
  queryKey,
}: NonNullable<QuantizeConfig['annealing']>): Method['ending'] => {
  if (boundaryRange === null) return 'plain';
  return queryKey ? 'cga and W_qk' : 'cga';
};
