import '@proj/ops/gradients';
import { type FixtureFolder, type OfqCase, ofqCase, ofqCaseNames } from '@proj/fixtures';
import { tidy } from '@tensorflow/tfjs-core';
import { type Engine, useEngine } from './engines.ts';
import { allowedDifference, type Computed, type Kind } from './kind.ts';
import { quantizedLayer } from './layer-cases.ts';
import { quantizedModel, trainingSteps } from './model-cases.ts';
import { cgaMasks, lsqQuantizers, statsqWeights } from './quantizer-cases.ts';
import { distillationLoss, learningRates, oscillation, qkrStart } from './training-cases.ts';

/** How far one case is from the reference. */
export interface OfqRow {
  readonly case: string;
  /** How many tensors were compared. */
  readonly compared: number;
  readonly maxDifference: number;
  /** The largest difference over what is allowed for its tensor; above 1 the case fails. */
  readonly worst: number;
  /** The tensor that is furthest from the reference in this measure. */
  readonly at: string;
  /** Tensors of the case that nothing here computes; a case with any fails. */
  readonly missing: readonly string[];
  /** Why the case could be neither read nor computed. */
  readonly failure?: string;
}

const kinds: readonly Kind[] = [
  distillationLoss,
  learningRates,
  qkrStart,
  oscillation,
  cgaMasks,
  statsqWeights,
  lsqQuantizers,
  quantizedLayer,
  quantizedModel,
  trainingSteps,
];

export const passes = ({ worst, missing, compared }: OfqRow): boolean =>
  worst <= 1 && missing.length === 0 && compared > 0;

/** Compares every case of the folder with what the packages compute on that engine; by default on wasm, with the kernels in force. */
export async function compareOfq(folder: FixtureFolder, engine?: Engine): Promise<OfqRow[]> {
  await useEngine(engine);
  return ofqCaseNames(folder).map((name) => {
    try {
      return compareCase(ofqCase(name, folder));
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      return { case: name, compared: 0, maxDifference: Number.NaN, worst: 0, at: '', missing: [], failure };
    }
  });
}

function compareCase(entry: OfqCase): OfqRow {
  const kind = kinds.find((candidate) => candidate.is(entry));
  let results: Computed[] = [];
  tidy(() => {
    results = kind?.compute(entry) ?? [];
  });
  const computed = new Map(results);
  const expected = [...entry.tensors.keys()].filter(
    (key) => computed.has(key) || kind?.given.test(key) !== true,
  );
  const compared = expected.filter((key) => computed.has(key));
  let row = { maxDifference: 0, worst: 0, at: '' };
  for (const key of compared) {
    const difference = largestDifference(entry, key, computed.get(key)!);
    const largest = Array.from(entry.tensors.get(key)!.data).reduce(
      (m, value) => Math.max(m, Math.abs(value)),
      0,
    );
    const allowed = (kind!.allowed ?? allowedDifference)(entry, key, largest);
    const share = difference === 0 ? 0 : difference / allowed;
    const maxDifference = Math.max(row.maxDifference, difference);
    row = share > row.worst ? { maxDifference, worst: share, at: key } : { ...row, maxDifference };
  }
  const missing = expected.filter((key) => !computed.has(key));
  return { case: entry.name, compared: compared.length, ...row, missing };
}

/** Infinite where a value is NaN or the sizes are not equal: neither may pass for the smallest difference. */
function largestDifference({ tensors }: OfqCase, key: string, values: ArrayLike<number>): number {
  const { data, dtype } = tensors.get(key)!;
  if (values.length !== data.length) return Number.POSITIVE_INFINITY;
  // Files keep 9 digits of a float32, from which it is read back exactly.
  const reference = dtype === 'float32' ? Float32Array.from(data) : data;
  let largest = 0;
  for (let i = 0; i < data.length; i++) {
    const difference = Math.abs(values[i]! - reference[i]!);
    largest = difference <= Number.MAX_VALUE ? Math.max(largest, difference) : Number.POSITIVE_INFINITY;
  }
  return largest;
}
