import type { CorruptionName } from '@proj/corruptions';
import { type AnyJob, type Job, job } from '../experiment.ts';
import type { ImagesConfig } from '../tasks/images.ts';
import { publishedNetwork, resnet20 } from '../tasks/published-network.ts';
import { rwsCarry } from '../tasks/rws-carry.ts';
import { rwsChoose } from '../tasks/rws-choose.ts';
import { rwsCompose } from '../tasks/rws-compose.ts';
import { rwsEvaluate } from '../tasks/rws-evaluate.ts';
import { rwsGeometry } from '../tasks/rws-geometry.ts';
import { rwsRemoval } from '../tasks/rws-removal.ts';
import type { LookedAtConfig } from '../tasks/rws-study-images.ts';
import { rwsSweep } from '../tasks/rws-sweep.ts';
import { trainNetwork } from '../tasks/train-network.ts';
import { type Architecture, architectureOf, storages } from './architectures.ts';
import type { Study } from './settings.ts';

/** Images of one data set, divided. */
interface Splits {
  readonly train: ImagesConfig;
  readonly validation: ImagesConfig;
  readonly test: ImagesConfig;
}

/** The models of one architecture that a seed trains from one start on one data set. */
interface Models {
  readonly init: AnyJob;
  readonly standard: AnyJob;
  readonly robust: ReadonlyMap<CorruptionName, AnyJob>;
}

/** Everything that a study comes to. */
export function jobsOf(study: Study): AnyJob[] {
  return study.architectures.flatMap((name) => {
    const architecture = architectureOf(study, name);
    return architecture.seeds.flatMap((seed) => new SeedJobs(study, architecture, seed).all());
  });
}

/** The jobs of one architecture with one seed. */
class SeedJobs {
  readonly #study: Study;
  readonly #architecture: Architecture;
  readonly #seed: number;

  constructor(study: Study, architecture: Architecture, seed: number) {
    this.#study = study;
    this.#architecture = architecture;
    this.#seed = seed;
  }

  all(): AnyJob[] {
    const study = this.#study;
    const { name, corruptions, published } = this.#architecture;
    const splits = splitsOf(study, study.data, study.testData, this.#seed, published);
    const init = this.#start(splits);
    const models = this.#models(name, splits, init, corruptions);
    const augmented = this.#training(`${name}: augmented`, splits, corruptions, init);
    const chosen = this.#chosen(name, splits, models);
    const jobs: AnyJob[] = [];
    for (const corruption of corruptions) {
      const needs = this.#triple(models, corruption);
      const own = { chosen: chosen.get(corruption)! };
      jobs.push(
        job(rwsEvaluate, {
          ...this.#described(`${name}: evaluate ${corruption}`, [splits.test, splits.train]),
          config: {
            ...this.#common(name),
            ...{ corruption, variants: this.#architecture.variants.map((variant) => variant.name) },
            ...{ test: this.#test(splits), statistics: this.#statistics(splits) },
          },
          needs: { standard: models.standard, robust: needs.robust, augmented, ...own },
        }),
        job(rwsSweep, {
          ...this.#described(`${name}: sweep ${corruption}`, [splits.test]),
          config: {
            ...this.#common(name),
            ...{ corruption, test: this.#test(splits, study.sweepImages), alphas: study.sweepAlphas },
            storages: study.fewCorruptions.includes(corruption) ? storages : [],
          },
          needs: { ...needs, ...own },
        }),
      );
    }
    jobs.push(...this.#together(splits, models, augmented, chosen));
    if (name === study.architectures[0] && study.transferData.length > 0)
      jobs.push(...this.#carried(splits, models, chosen));
    return jobs;
  }

  /** What is made of all corruptions at once. */
  #together(
    splits: Splits,
    models: Models,
    augmented: AnyJob,
    chosen: ReadonlyMap<CorruptionName, AnyJob>,
  ): AnyJob[] {
    const { counts, rules, factors, factorImages, sweepImages, comparedUnits } = this.#study;
    const { name, corruptions } = this.#architecture;
    const geometry = job(rwsGeometry, {
      ...this.#described(`${name}: geometry`, []),
      config: { study: name, corruptions, k: comparedUnits },
      needs: {
        ...{ init: models.init, standard: models.standard },
        ...named('robust', corruptions, models.robust),
      },
    });
    const possible = [...new Set([...counts, corruptions.length])].filter(
      (count) => count > 1 && count <= corruptions.length,
    );
    if (possible.length === 0) return [geometry];
    const compose = job(rwsCompose, {
      ...this.#described(`${name}: compose`, [splits.validation, splits.test]),
      config: {
        ...this.#common(name),
        ...{ corruptions, counts: possible.sort((a, b) => a - b), rules, factors },
        validation: this.#looked(splits.validation, 1, factorImages),
        test: this.#test(splits, sweepImages),
      },
      needs: { standard: models.standard, augmented, ...named('chosen', corruptions, chosen) },
    });
    const removal = job(rwsRemoval, {
      ...this.#described(`${name}: take the patches off`, []),
      config: {},
      needs: { model: models.standard, patched: compose },
    });
    return [geometry, compose, removal];
  }

  /** Signatures on models of other images: trained from the same start, and trained on from the standard model, step by step. */
  #carried(splits: Splits, models: Models, chosen: ReadonlyMap<CorruptionName, AnyJob>): AnyJob[] {
    const study = this.#study;
    const { transferData, transferTestData, transferEpochs, transferSeeds, adaptationSeeds } = study;
    const others = splitsOf(study, transferData, transferTestData, this.#seed, false);
    const carry = (name: string, on: Splits, start: AnyJob, corruptions: readonly CorruptionName[]) => {
      const target = this.#models(name, on, start, corruptions, transferEpochs);
      const own = this.#chosen(name, on, target);
      const done = job(rwsCarry, {
        ...this.#described(`${name}: carry`, [on.validation, on.test]),
        config: {
          ...this.#common(name),
          ...{ corruptions, alphas: study.alphas },
          validation: this.#looked(on.validation, 1),
          test: this.#test(on, study.sweepImages),
        },
        needs: {
          ...{ init: models.init, source: models.standard, standard: target.standard },
          ...named('chosen', corruptions, chosen),
          ...named('own', corruptions, own),
          ...named('robust', corruptions, target.robust),
        },
      });
      return { done, standard: target.standard };
    };
    const jobs: AnyJob[] = [];
    if (transferSeeds.includes(this.#seed))
      jobs.push(carry('transfer', others, models.init, study.fewCorruptions).done);
    if (adaptationSeeds.includes(this.#seed)) {
      const { adaptationCorruptions } = study;
      const first = carry('adaptation, step 1', others, models.standard, adaptationCorruptions);
      const second = carry('adaptation, step 2', splits, first.standard, adaptationCorruptions);
      jobs.push(first.done, second.done);
    }
    return jobs;
  }

  #start(splits: Splits): AnyJob {
    const { name, published } = this.#architecture;
    return published
      ? job(publishedNetwork, { label: `${name}: published weights`, config: resnet20 })
      : this.#training(`${name}: start`, splits, []);
  }

  #models(
    name: string,
    splits: Splits,
    init: AnyJob,
    corruptions: readonly CorruptionName[],
    epochs = this.#architecture.epochs,
  ): Models {
    return {
      init,
      standard: this.#training(`${name}: standard`, splits, [], init, epochs),
      robust: new Map(
        corruptions.map((corruption) => [
          corruption,
          this.#training(`${name}: robust ${corruption}`, splits, [corruption], init, epochs),
        ]),
      ),
    };
  }

  #training(
    name: string,
    { train }: Splits,
    corruptions: readonly CorruptionName[],
    start?: AnyJob,
    epochs = this.#architecture.epochs,
  ): AnyJob {
    const { flavour, severity, batchSize, cropPadding, flip, checkpointSteps, startEpochs } = this.#study;
    const { network, starting, onwards } = this.#architecture;
    return job(trainNetwork, {
      ...this.#described(name, [train]),
      config: {
        ...{ network, flavour, ...train, corruptions, severity, corruptionSeed: this.#seed },
        ...(start === undefined ? { ...starting, epochs: startEpochs } : { ...onwards, epochs }),
        ...{ batchSize, cropPadding, flip },
        ...(checkpointSteps > 0 && { checkpointSteps }),
      },
      needs: start === undefined ? {} : { start },
    });
  }

  #chosen(name: string, splits: Splits, models: Models): Map<CorruptionName, AnyJob> {
    const { alphas, maxUnits, tolerance } = this.#study;
    return new Map(
      [...models.robust.keys()].map((corruption) => [
        corruption,
        job(rwsChoose, {
          ...this.#described(`${name}: choose ${corruption}`, [splits.validation, splits.train]),
          config: {
            ...this.#common(name),
            ...{ corruption, variants: this.#architecture.variants, maxUnits, alphas },
            tolerance: tolerance / 100,
            validation: this.#looked(splits.validation, 1),
            statistics: this.#statistics(splits),
          },
          needs: this.#triple(models, corruption),
        }),
      ]),
    );
  }

  #triple({ init, standard, robust }: Models, corruption: CorruptionName) {
    return { init, standard, robust: robust.get(corruption)! };
  }

  #common(study: string) {
    return { network: this.#architecture.network, flavour: this.#study.flavour, study };
  }

  #described(name: string, parts: readonly ImagesConfig[]): Pick<Job, 'label' | 'seed' | 'data'> {
    const { seeds } = this.#architecture;
    return {
      label: seeds.length > 1 ? `${name}, seed ${this.#seed}` : name,
      seed: this.#seed,
      data: [...new Set(parts.flatMap(({ data }) => data))],
    };
  }

  /** Corruptions of one part draw otherwise than those of another. */
  #looked(part: ImagesConfig, stream: number, images = Number.MAX_SAFE_INTEGER): LookedAtConfig {
    const { severity } = this.#study;
    const size = part.parts[part.part] ?? images;
    return { ...part, images: Math.min(images, size), severity, corruptionSeed: this.#seed + stream };
  }

  #test({ test }: Splits, images?: number): LookedAtConfig {
    return this.#looked(test, 2, images);
  }

  #statistics({ train }: Splits): LookedAtConfig {
    return this.#looked(train, 0, this.#study.statisticsImages);
  }
}

/** A start that has seen all training images is validated on images of the test set that nothing is reported on. */
function splitsOf(
  { trainImages, validationImages, testImages }: Study,
  data: readonly string[],
  testData: readonly string[],
  splitSeed: number,
  published: boolean,
): Splits {
  const own = testData.length > 0;
  const pool = {
    data,
    parts: [trainImages, validationImages, ...(own ? [] : [testImages])],
    splitSeed,
  };
  const testPool = own ? { data: testData, parts: [validationImages, testImages], splitSeed } : pool;
  return {
    train: { ...pool, part: 0 },
    validation: published && own ? { ...testPool, part: 0 } : { ...pool, part: 1 },
    test: { ...testPool, part: own ? 1 : 2 },
  };
}

const named = (
  what: string,
  corruptions: readonly CorruptionName[],
  jobs: ReadonlyMap<CorruptionName, AnyJob>,
): Record<string, AnyJob> =>
  Object.fromEntries(corruptions.map((corruption) => [`${what} ${corruption}`, jobs.get(corruption)!]));
