import fc from 'fast-check';
import type { Application, CompositionRule, Signature } from '../src/index.ts';
import { alpha as anyAlpha } from './arbitraries.ts';

/** JSON has no −0, so that a file would give back 0. */
const alpha = anyAlpha.map((value) => value + 0);

/** One α for all, or others for some units and tensors: numbers that `strengthOf` fits to a signature. */
export const strengthSeed = fc.record({
  alpha,
  units: fc.array(fc.option(alpha), { maxLength: 3 }),
  tensors: fc.array(fc.option(alpha), { maxLength: 3 }),
});
export type StrengthSeed = typeof strengthSeed extends fc.Arbitrary<infer T> ? T : never;

export function strengthOf(signature: Signature, { alpha, units, tensors }: StrengthSeed): Application {
  const byUnit = given(units.slice(0, signature.k).map((value, unit) => [unit, value]));
  const byName = given(signature.tensors.slice(0, 3).map(({ name }, i) => [name, tensors[i] ?? null]));
  return {
    ...{ signature, alpha },
    ...(byUnit.size > 0 && { units: byUnit }),
    ...(byName.size > 0 && { tensors: byName }),
  };
}

function given<K>(pairs: [K, number | null][]): Map<K, number> {
  return new Map(pairs.filter((pair): pair is [K, number] => pair[1] !== null));
}

const density = fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 1, noNaN: true }));

export const rule: fc.Arbitrary<CompositionRule> = fc.oneof(
  fc.constantFrom<CompositionRule>({ kind: 'sum' }, { kind: 'mean' }),
  density.map((density): CompositionRule => ({ kind: 'magnitude', density })),
  fc
    .tuple(density, fc.integer({ min: 0, max: 2 ** 32 - 1 }))
    .map(([density, seed]): CompositionRule => ({ kind: 'dare', density, seed })),
  density.map((density): CompositionRule => ({ kind: 'ties', definition: 'paper', density })),
  fc
    .tuple(density, fc.constantFrom('mass', 'count'))
    .map(([density, elect]): CompositionRule => ({ kind: 'ties', definition: 'peft', density, elect })),
);
