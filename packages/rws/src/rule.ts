import { RwsError } from './error.ts';
import { chosenBy, type Decoder, integer, number, oneOf, record } from './json.ts';

/**
 * How the signatures on a model add up to its change δ. v_i are a tensor's values in signature i, α_i its strength there; signatures that do
 * not cover the tensor or have α = 0 there take no part.
 *
 * - `sum`: δ = Σ α_i·v_i, the paper's rule (task arithmetic, arXiv 2212.04089).
 * - `mean`: the sum divided by the number of signatures that take part.
 * - `magnitude`: the sum of pruned signatures: of each tensor's n values the floor(density·n) largest in magnitude stay, the rest is 0
 *   (peft's `magnitude_prune`). Of equal magnitudes the first stay.
 * - `dare`: the sum of thinned signatures: every value stays with probability `density`, 1/density times as large, else it is 0
 *   (DARE, arXiv 2311.03099, p = 1 − density). Which ones stay follows from `seed`, the signature's id, the tensor's name and the position.
 * - `ties`: TIES-Merging (arXiv 2306.01708): trim, elect a sign a position, average what agrees with it.
 *   `definition: 'paper'`: each signature is trimmed as one vector over all its tensors, keeping every magnitude that is at least its
 *   (n − floor(density·n))-th smallest, as the authors' code does; the sign is that of Σ sgn(α_i)·v_i, where that is 0 the one that most positions
 *   have; δ = Σ α_i·v_i / count over the values whose sgn(α_i)·v_i has it. With one α for all, λ of the paper.
 *   `definition: 'peft'`: trimmed a tensor as `magnitude` does; the sign is that of Σ v_i, unweighted, 0 counting as plus
 *   (`elect: 'count'`: of Σ sgn v_i); δ = Σ α_i·v_i / count over the v_i that have it.
 */
export type CompositionRule =
  | { readonly kind: 'sum' }
  | { readonly kind: 'mean' }
  | { readonly kind: 'magnitude'; readonly density: number }
  | { readonly kind: 'dare'; readonly density: number; readonly seed: number }
  | { readonly kind: 'ties'; readonly definition: 'paper'; readonly density: number }
  | {
      readonly kind: 'ties';
      readonly definition: 'peft';
      readonly density: number;
      readonly elect: 'mass' | 'count';
    };

export const sumRule: CompositionRule = { kind: 'sum' };

const density: Decoder<number> = number(Number.MIN_VALUE, 1);
const seed = integer(0, 2 ** 32 - 1);
const paperTies = record({ kind: oneOf('ties'), definition: oneOf('paper'), density });
const peftTies = record({
  kind: oneOf('ties'),
  definition: oneOf('peft'),
  density,
  elect: oneOf('mass', 'count'),
});

/** A rule as it stands in a file. */
export const decodeRule: Decoder<CompositionRule> = chosenBy('kind', {
  sum: record({ kind: oneOf('sum') }),
  mean: record({ kind: oneOf('mean') }),
  magnitude: record({ kind: oneOf('magnitude'), density }),
  dare: record({ kind: oneOf('dare'), density, seed }),
  ties: chosenBy('definition', { paper: paperTies, peft: peftTies }),
});

/** @throws {RwsError} `RWS_OPTION_INVALID` for a rule of another form, a density outside (0, 1] or a seed that is no 32-bit integer. */
export function checkRule(rule: CompositionRule): CompositionRule {
  try {
    return decodeRule(rule, 'rule');
  } catch (error) {
    throw new RwsError('RWS_OPTION_INVALID', (error as Error).message.replace(/; the file was .*$/, '.'));
  }
}

/** The rule in a few words, e.g. `dare, density 0.5, seed 1`. */
export function ruleText(rule: CompositionRule): string {
  const { kind, ...rest } = rule;
  return [kind, ...Object.entries(rest).map(([name, value]) => `${name} ${value}`)].join(', ');
}
