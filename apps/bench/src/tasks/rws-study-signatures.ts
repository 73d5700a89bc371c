import { readFile } from 'node:fs/promises';
import type { CorruptionName } from '@proj/corruptions';
import {
  type Application,
  asksForRecalibration,
  type BatchNormPolicy,
  type CompositionRule,
  type Projection,
  patch,
  type Signature,
  signatureFromBytes,
} from '@proj/rws';
import type { StateDict } from '@proj/tensor-io';
import type { Finished } from '../experiment.ts';
import type { OpenedNetwork } from './network.ts';
import type { Looks } from './rws-study-images.ts';

/** A way to extract that is compared with others. */
export type VariantConfig = {
  readonly name: string;
  readonly projection: Projection;
  /** 2 to 8 bits a value, or 32 for float32. */
  readonly bits: number;
  readonly batchNorm: BatchNormPolicy;
};

export const signatureFile = (variant: string): string => `signature-${variant}.rws.safetensors`;

/** The signature that a job which chose k and α left for a variant. */
export const openVariant = async (chosen: Finished, variant: string): Promise<Signature> =>
  signatureFromBytes(await readFile(chosen.file(signatureFile(variant))));

/** The strength that was chosen on validation images. */
export const chosenAlpha = ({ about }: Signature): number => about.recommendedAlpha ?? 1;

/** Batch normalisation's statistics from images under the corruption, where a signature asks for it; α below 1 mixes, as in the paper's script. */
export async function settled(
  { network }: Pick<OpenedNetwork, 'network'>,
  state: StateDict,
  { signature, alpha }: Pick<Application, 'signature' | 'alpha'>,
  statistics: Looks,
  corruption: CorruptionName,
): Promise<StateDict> {
  if (alpha === 0 || !asksForRecalibration(signature.batchNorm)) return state;
  const { recalibrated } = await import('./live-network.ts');
  return recalibrated(network, state, await statistics.under(corruption), Math.min(1, Math.abs(alpha)));
}

/** Rules by the names that tables have for them. */
export const compositionRules = {
  sum: { kind: 'sum' },
  mean: { kind: 'mean' },
  TIES: { kind: 'ties', definition: 'paper', density: 0.5 },
  DARE: { kind: 'dare', density: 0.5, seed: 0 },
} as const satisfies Readonly<Record<string, CompositionRule>>;

export type RuleName = keyof typeof compositionRules;

/** The state with signatures on it, each at the strength that was chosen times a factor. */
export async function composed(
  state: StateDict,
  signatures: readonly Signature[],
  factor: number,
  rule: RuleName,
) {
  const applications = signatures.map((signature) => ({ signature, alpha: factor * chosenAlpha(signature) }));
  return patch(state, applications, { rule: compositionRules[rule] });
}
