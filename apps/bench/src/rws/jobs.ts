import type { CorruptionName } from '@proj/corruptions';
import type { Projection } from '@proj/rws';
import { type AnyJob, type Job, job } from '../experiment.ts';
import { evaluateClassifier } from '../tasks/evaluate-classifier.ts';
import { gallery } from '../tasks/gallery.ts';
import { rwsCombine } from '../tasks/rws-combine.ts';
import { rwsCompare } from '../tasks/rws-compare.ts';
import { rwsExtract } from '../tasks/rws-extract.ts';
import { rwsRemoval } from '../tasks/rws-removal.ts';
import { rwsTune } from '../tasks/rws-tune.ts';
import { type TrainConfig, trainClassifier } from '../tasks/train-classifier.ts';
import { type Design, modelOf, splitsOf } from './design.ts';

/** The models that a design trains with one seed. */
export function trainingsOfSeed(design: Design, seed: number) {
  const { train, validation } = splitsOf(design, seed);
  const training = (
    name: string,
    recipe: Pick<TrainConfig, 'epochs' | 'learningRate' | 'corruption'>,
    start?: AnyJob,
  ) => {
    const { part: trainPart, ...images } = train;
    const { flavour, severity, batchSize, weightDecay, cropPadding, flip } = design;
    return job(trainClassifier, {
      label: labelled(design, seed, name),
      config: {
        ...{ flavour, ...modelOf(design), ...images, trainPart, validationPart: validation.part, severity },
        ...{ minLearningRate: 1e-5, warmupEpochs: 1, batchSize, weightDecay, cropPadding, flip, ...recipe },
      },
      seed,
      data: images.data,
      needs: start === undefined ? {} : { start },
    });
  };
  const onwards = { epochs: design.epochs, learningRate: design.learningRate };
  const start = training('start', { epochs: design.startEpochs, learningRate: design.startLearningRate });
  const standard = training('standard', onwards, start);
  const robust = new Map(
    design.corruptions.map((corruption) => [
      corruption,
      training(`robust-${corruption}`, { ...onwards, corruption }, start),
    ]),
  );
  return { start, standard, robust };
}

/** A job's name, with its seed where there are several. */
export const labelled = ({ seeds }: Pick<Design, 'seeds'>, seed: number, name: string): string =>
  seeds.length > 1 ? `${name}, seed ${seed}` : name;

/** Everything that a design comes to with one seed. */
export function jobsOfSeed(design: Design, seed: number): AnyJob[] {
  const { corruptions, severity, flavour, alphas, projections } = design;
  const { train, validation, test } = splitsOf(design, seed);
  const model = modelOf(design);
  const called = (name: string) => labelled(design, seed, name);
  const { start, standard, robust } = trainingsOfSeed(design, seed);

  const triple = (corruption: CorruptionName) => ({ init: start, standard, robust: robust.get(corruption)! });
  const tuned = (corruption: CorruptionName, projection: Projection) =>
    job(rwsTune, {
      label: called(`tune ${corruption}, ${projectionName[projection]}`),
      config: {
        ...{ flavour, ...validation, corruption, severity, projection, bits: design.bits, alphas, model },
        tolerance: design.tolerance / 100,
        maxUnits: design.maxUnits,
      },
      seed,
      data: validation.data,
      needs: triple(corruption),
    });
  const extracted = (corruption: CorruptionName, projection: Projection) =>
    job(rwsExtract, {
      label: called(`extract ${corruption}, ${projectionName[projection]}`),
      config: {
        ...{ corruption, severity, dataset: train.data.join(' + '), k: design.comparedUnits },
        ...{ projection, bits: design.bits },
      },
      seed,
      needs: triple(corruption),
    });
  const evaluated = (
    name: string,
    on: readonly CorruptionName[],
    needs: Job['needs'],
    strengths: { readonly alphas?: readonly number[] } = {},
  ) =>
    job(evaluateClassifier, {
      label: called(`evaluate ${name}`),
      config: { flavour, ...test, corruptions: on, severity, model, ...strengths },
      seed,
      data: test.data,
      needs,
    });

  const jobs: AnyJob[] = [evaluated('standard', corruptions, { model: standard })];
  for (const corruption of corruptions)
    jobs.push(evaluated(`robust-${corruption}`, [corruption], { model: robust.get(corruption)! }));
  for (const projection of projections) {
    const best = corruptions.map((corruption) => [corruption, tuned(corruption, projection)] as const);
    for (const [corruption, signature] of best) {
      const needs = { model: standard, signature };
      const name = `${corruption} patch, ${projectionName[projection]}`;
      jobs.push(evaluated(name, [corruption], needs, { alphas }));
    }
    const compared = corruptions.map(
      (corruption) => [`signature ${corruption}`, extracted(corruption, projection)] as const,
    );
    jobs.push(...compared.map(([, one]) => one));
    if (compared.length > 1)
      jobs.push(
        job(rwsCompare, {
          label: called(`compare signatures, ${projectionName[projection]}`),
          config: {},
          seed,
          needs: Object.fromEntries(compared),
        }),
      );
    if (projection !== projections[0]) continue;
    const all = Object.fromEntries(best.map(([corruption, one]) => [`signature ${corruption}`, one]));
    const { factors } = design;
    const combined = job(rwsCombine, {
      label: called('combine all patches'),
      config: { flavour, ...validation, corruptions, severity, factors, model },
      seed,
      data: validation.data,
      needs: { model: standard, ...all },
    });
    jobs.push(evaluated('all patches', corruptions, { model: combined }));
    jobs.push(
      job(rwsRemoval, {
        label: called('take the patches off'),
        config: {},
        seed,
        needs: { model: standard, patched: combined },
      }),
    );
    for (const [corruption, signature] of seed === design.seeds[0] ? best : [])
      jobs.push(
        job(gallery, {
          label: called(`gallery ${corruption}`),
          config: { flavour, ...test, corruption, severity, images: design.galleryImages },
          seed,
          data: test.data,
          needs: { model: standard, signature },
        }),
      );
  }
  return jobs;
}

export const projectionName: Readonly<Record<Projection, string>> = {
  orthogonal: 'rejection',
  none: 'plain difference',
};
