import type { StateDict } from '@proj/tensor-io';
import { RwsError } from './error.ts';
import { type PatchedModel, patch, scale } from './patch.ts';
import type { Signature } from './signature.ts';
import { firstUnits, type Strength } from './strength.ts';

export interface SearchOptions {
  /**
   * Judges a patched model, larger being better, e.g. the mean of its accuracies on clean and on corrupted validation images. It is
   * called once for every strength that is tried, one after the other.
   */
  evaluate(state: StateDict, tried: { readonly k: number; readonly alpha: number }): number | Promise<number>;
  /** Numbers of units that are tried at α = 1. Defaults to all from 1 to the signature's k; one number leaves nothing to choose. */
  readonly ks?: readonly number[];
  /** The smallest number of units is chosen that comes so close to the best score. Defaults to 0.005: half a point of accuracy. */
  readonly tolerance?: number;
  /** The grid of strengths. Defaults to 0, 0.25, ..., 2. */
  readonly alphas?: readonly number[];
  /** How often the best strength's neighbours at half the distance are tried. Defaults to 2. */
  readonly refinements?: number;
  readonly allowTransfer?: boolean;
}

export interface Tried {
  readonly k: number;
  readonly alpha: number;
  readonly score: number;
}

export interface StrengthSearch extends Tried {
  /** What to apply the signature with: `alpha` for the first `k` units. */
  readonly strength: Strength;
  /** All that was tried, in that order. */
  readonly curve: readonly Tried[];
}

/**
 * Chooses the number of units and the strength of a signature by a judge: first k at α = 1, then α on a grid, then ever closer around the
 * best. The signature is not extracted anew: it is per tensor, so deeper units are left out. Deterministic: of equal scores
 * the α nearest to 0 is taken.
 *
 * @throws {RwsError} `RWS_OPTION_INVALID` for an empty or senseless grid, or a score that is no number; what `patch` throws.
 */
export async function searchStrength(
  model: StateDict | PatchedModel,
  signature: Signature,
  options: SearchOptions,
): Promise<StrengthSearch> {
  const { evaluate, tolerance = 0.005, refinements = 2, allowTransfer = false } = options;
  const ks = [...(options.ks ?? Array.from({ length: signature.k }, (_, i) => i + 1))].sort((a, b) => a - b);
  const alphas = [...(options.alphas ?? Array.from({ length: 9 }, (_, i) => i / 4))].sort((a, b) => a - b);
  checkSearch(signature, ks, alphas, tolerance, refinements);
  const patched = await patch(model, [{ signature, alpha: 1 }], { allowTransfer });

  const curve: Tried[] = [];
  const attempt = async (k: number, alpha: number): Promise<Tried> => {
    const known = curve.find((row) => row.alpha === alpha && (row.k === k || alpha === 0));
    if (known !== undefined) return known;
    const { state } = scale(patched, signature.id, firstUnits(signature, k, alpha));
    const score = await evaluate(state, { k, alpha });
    if (Number.isNaN(score)) throw invalid(`evaluate returned ${score} for ${k} units at alpha ${alpha}`);
    const tried = { k, alpha, score };
    curve.push(tried);
    return tried;
  };

  if (ks.length > 1) for (const k of ks) await attempt(k, 1);
  const most = Math.max(...curve.map(({ score }) => score));
  const k = ks.length === 1 ? ks[0]! : curve.find(({ score }) => score >= most - tolerance)!.k;
  let best = await attempt(k, alphas[0]!);
  for (const alpha of alphas) best = better(await attempt(k, alpha), best);
  const at = alphas.indexOf(best.alpha);
  let [below, above] = [
    best.alpha - (alphas[at - 1] ?? best.alpha),
    (alphas[at + 1] ?? best.alpha) - best.alpha,
  ];
  for (let i = 0; i < refinements; i++) {
    [below, above] = [below / 2, above / 2];
    const { alpha } = best;
    if (below > 0) best = better(await attempt(k, alpha - below), best);
    if (above > 0) best = better(await attempt(k, alpha + above), best);
    // Around a new best both sides are of the grid that it came from.
    if (best.alpha !== alpha) below = above = best.alpha < alpha ? below : above;
  }
  return { ...best, k, strength: firstUnits(signature, k, best.alpha), curve };
}

function better(a: Tried, b: Tried): Tried {
  if (a.score !== b.score) return a.score > b.score ? a : b;
  return Math.abs(a.alpha) < Math.abs(b.alpha) ? a : b;
}

function checkSearch(
  signature: Signature,
  ks: readonly number[],
  alphas: readonly number[],
  tolerance: number,
  refinements: number,
): void {
  if (ks.length === 0 || ks.some((k) => !Number.isInteger(k) || k < 1 || k > signature.k)) {
    throw invalid(`ks must be integers from 1 to ${signature.k}, got [${ks.join(', ')}]`);
  }
  if (alphas.length === 0 || !alphas.every(Number.isFinite)) {
    throw invalid(`alphas must be finite numbers, at least one, got [${alphas.join(', ')}]`);
  }
  if (!(tolerance >= 0)) throw invalid(`tolerance must be at least 0, got ${tolerance}`);
  if (!Number.isInteger(refinements) || refinements < 0) {
    throw invalid(`refinements must be an integer of at least 0, got ${refinements}`);
  }
}

function invalid(what: string): RwsError {
  return new RwsError('RWS_OPTION_INVALID', `${what}.`);
}
