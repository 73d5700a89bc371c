import type { DesignConfig, QuantizeConfig } from '../tasks/quantize-config.ts';
import { oneOf } from './design.ts';

/** A way to quantize, as the studies compare them. */
export interface Method {
  /** As settings name it. */
  readonly key: string;
  /** As people call it. */
  readonly name: string;
  readonly design: Omit<DesignConfig, 'bits'>;
  readonly against?: NonNullable<QuantizeConfig['against']>;
  /** How the last epochs at the least rate are spent, going on from a training that methods share; absent: as any others. */
  readonly ending?: 'plain' | 'cga' | 'cga and W_qk';
}

const ofq = { weights: 'statsq', attention: 'qkr' } as const;

/** Of Nagel et al. 2022, with strengths that were not tuned here. */
const dampening = { method: 'dampening', strength: 1e-3 } as const;
const freezing = { method: 'freezing', momentum: 0.01, threshold: { from: 0.04, to: 0.01 } } as const;

/** In the order of tables. */
export const methods = [
  { key: 'lsq', name: 'LSQ', design: { weights: 'lsq', attention: 'plain' } },
  { key: 'lsq+', name: 'LSQ+', design: { weights: 'lsq+', attention: 'plain' } },
  {
    key: 'dampening',
    name: 'LSQ, dampening',
    design: { weights: 'lsq', attention: 'plain' },
    against: dampening,
  },
  {
    key: 'freezing',
    name: 'LSQ, iterative freezing',
    design: { weights: 'lsq', attention: 'plain' },
    against: freezing,
  },
  { key: 'statsq', name: 'StatsQ', design: { weights: 'statsq', attention: 'plain' } },
  { key: 'qkr', name: 'StatsQ + QKR', design: ofq, ending: 'plain' },
  { key: 'ofq', name: 'StatsQ + QKR + CGA', design: ofq, ending: 'cga' },
  { key: 'ofq-qk', name: 'StatsQ + QKR + CGA, on W_qk too', design: ofq, ending: 'cga and W_qk' },
] as const satisfies readonly Method[];

export type MethodKey = (typeof methods)[number]['key'];

/** @throws {BenchError} BENCH_SETTING for a key that is none, with those there are. */
export const namedMethods = (setting: string, keys: readonly string[]): Method[] => {
  const known = methods.map(({ key }) => key);
  return keys.map((key) => methods[known.indexOf(oneOf(setting, key, known))]!);
};
