import { fixtures } from '@proj/fixtures';

/** Merges of one tensor's values by peft (`rws_math.json`), as one flat tensor. */
interface GoldenMerge {
  readonly inputs: readonly (readonly number[])[];
  readonly weights: readonly number[];
  readonly task_arithmetic: readonly number[];
  readonly ties: Readonly<Record<string, readonly number[]>>;
  readonly ties_frequency_05: readonly number[];
  readonly magnitude_prune_05: readonly number[];
}

export const goldenMerge = fixtures('rws').json<{ merge: GoldenMerge }>('rws_math.json').merge;
