import type { CorruptionName } from '@proj/corruptions';
import type { Projection } from '@proj/rws';
import type { Config, Finished, Json, Outcome, Task } from '../experiment.ts';
import {
  type EvaluateConfig,
  type EvaluateResult,
  evaluateClassifier,
} from '../tasks/evaluate-classifier.ts';
import { type GalleryConfig, type GalleryResult, gallery } from '../tasks/gallery.ts';
import { type CombineConfig, type CombineResult, rwsCombine } from '../tasks/rws-combine.ts';
import { type CompareResult, rwsCompare } from '../tasks/rws-compare.ts';
import { type ExtractConfig, type ExtractResult, rwsExtract } from '../tasks/rws-extract.ts';
import { type RemovalResult, rwsRemoval } from '../tasks/rws-removal.ts';
import { rwsTune, type TuneConfig, type TuneResult } from '../tasks/rws-tune.ts';
import { type TrainConfig, type TrainResult, trainClassifier } from '../tasks/train-classifier.ts';
import type { Design } from './design.ts';

export type Trained = Finished<TrainConfig, TrainResult>;

/** Top-1 in percent. */
export interface Accuracy {
  readonly clean: number;
  readonly corrupted: number;
}

/** One corruption under one seed; what is not done is undefined. */
export interface CorruptionResults {
  readonly robust: Trained | undefined;
  readonly robustAccuracy: Accuracy | undefined;
  readonly standardAccuracy: Accuracy | undefined;
  readonly combinedAccuracy: Accuracy | undefined;
  readonly gallery: Finished<GalleryConfig, GalleryResult> | undefined;
  readonly patched: Readonly<Record<Projection, Patched>>;
}

interface Patched {
  readonly tuned: Finished<TuneConfig, TuneResult> | undefined;
  readonly extracted: Finished<ExtractConfig, ExtractResult> | undefined;
  /** On the test images, in the order of the strengths. */
  readonly sweep: readonly (Accuracy & { readonly alpha: number })[];
  /** At the strength that was chosen. */
  readonly accuracy: Accuracy | undefined;
}

export interface SeedResults {
  readonly seed: number;
  readonly start: Trained | undefined;
  readonly standard: Trained | undefined;
  readonly corruptions: ReadonlyMap<CorruptionName, CorruptionResults>;
  readonly combined: Finished<CombineConfig, CombineResult> | undefined;
  readonly removal: Finished<Record<string, never>, RemovalResult> | undefined;
  readonly compared: Readonly<Record<Projection, CompareResult | undefined>>;
}

type Evaluation = Finished<EvaluateConfig, EvaluateResult>;

/** Puts the jobs of a plan in the places that they have in the design, by what they are made of: models and signatures know their hashes. */
export function resultsOfSeed(design: Design, outcome: Pick<Outcome, 'of'>, seed: number): SeedResults {
  const of = <C extends Config, R extends Json>(task: Task<C, R>) =>
    outcome.of(task).filter((finished) => finished.seed === seed);
  const trained = of(trainClassifier);
  const clean = trained.filter(({ config }) => config.corruption === undefined);
  const start = clean.find(({ result }) => result.start === null);
  const standard = clean.find(({ result }) => result.start !== null);
  const evaluations = of(evaluateClassifier);
  const evaluation = (model: string | undefined, signature?: string) =>
    evaluations.find(
      ({ result }) => result.model === model && result.signatures[0] === signature && model !== undefined,
    );
  const combined = of(rwsCombine)[0];

  const patched = (corruption: CorruptionName, projection: Projection): Patched => {
    const same = ({ config }: { config: { corruption?: string; projection: string } }) =>
      config.corruption === corruption && config.projection === projection;
    const tuned = of(rwsTune).find(same);
    const on = tuned && evaluation(standard?.result.sha256, tuned.result.signature.id);
    const sweep = (on?.config.alphas ?? []).map((alpha) => ({
      alpha,
      ...accuracyAt(on!, corruption, alpha),
    }));
    return {
      ...{ tuned, sweep, extracted: of(rwsExtract).find(same) },
      accuracy: sweep.find(({ alpha }) => alpha === tuned?.result.alpha),
    };
  };
  const ofCorruption = (corruption: CorruptionName): CorruptionResults => {
    const robust = trained.find(({ config }) => config.corruption === corruption);
    const accuracy = (found: Evaluation | undefined) => found && accuracyAt(found, corruption);
    return {
      robust,
      robustAccuracy: accuracy(evaluation(robust?.result.sha256)),
      standardAccuracy: accuracy(evaluation(standard?.result.sha256)),
      combinedAccuracy: accuracy(evaluation(combined?.result.sha256)),
      gallery: of(gallery).find(({ config }) => config.corruption === corruption),
      patched: { orthogonal: patched(corruption, 'orthogonal'), none: patched(corruption, 'none') },
    };
  };
  const compared = (projection: Projection) => {
    const ids = of(rwsExtract)
      .filter(({ config }) => config.projection === projection)
      .map(({ result }) => result.signature.id);
    return of(rwsCompare).find(({ result }) => result.signatures.every(({ id }) => ids.includes(id)))?.result;
  };
  return {
    ...{ seed, start, standard, combined, removal: of(rwsRemoval)[0] },
    corruptions: new Map(design.corruptions.map((corruption) => [corruption, ofCorruption(corruption)])),
    compared: { orthogonal: compared('orthogonal'), none: compared('none') },
  };
}

function accuracyAt({ result }: Evaluation, corruption: string, alpha: number | null = null): Accuracy {
  const top1 = (look: string) =>
    100 * result.accuracies.find((row) => row.look === look && row.alpha === alpha)!.top1;
  return { clean: top1('clean'), corrupted: top1(corruption) };
}

/** The part of what the robust model gains on corrupted images that a patch gives; undefined where it gains nothing. */
export function shareOfGain(
  standard: Accuracy | undefined,
  patched: Accuracy | undefined,
  robust: Accuracy | undefined,
): number | undefined {
  if (standard === undefined || patched === undefined || robust === undefined) return undefined;
  const gain = robust.corrupted - standard.corrupted;
  return gain > 0 ? (patched.corrupted - standard.corrupted) / gain : undefined;
}
