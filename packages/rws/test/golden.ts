import { fixtures } from '@proj/fixtures';
import { type StateDict, tensorData } from '@proj/tensor-io';

type Weights = Readonly<Record<string, readonly number[]>>;

/** Weight arithmetic of the paper's code (`rws_math.json`): four convolutions and a head. */
export interface RwsMath {
  readonly state: {
    readonly keys: readonly string[];
    readonly shapes: Readonly<Record<string, readonly number[]>>;
    readonly pretrained: Weights;
    readonly standard: Weights;
    readonly robust: readonly Weights[];
  };
  readonly select_layers: Readonly<Record<string, readonly string[]>>;
  readonly rws_k4: readonly Weights[];
  readonly relative_difference_per_key: readonly Readonly<Record<string, number>>[];
  readonly cosine_rws0_rws1_per_key: Readonly<Record<string, number>>;
  readonly cosine_rws0_rws1_global: number;
  readonly patched_k2: readonly { readonly alphas: readonly number[]; readonly weights: Weights }[];
  readonly quantization: {
    readonly input: readonly number[];
    readonly cases: readonly {
      readonly method: string;
      readonly levels: number;
      readonly min: number;
      readonly max: number;
      readonly out: readonly number[];
    }[];
  };
  readonly official_effective_coeff: {
    readonly examples: readonly { readonly alpha: number; readonly n: number; readonly coeff: number }[];
  };
  readonly bitdelta: { readonly key: string; readonly scale: number; readonly sign: readonly number[] };
  readonly lowrank: {
    readonly key: string;
    readonly shape: readonly number[];
    readonly singular_values: readonly number[];
    readonly rank2: readonly number[];
  };
}

export const golden = fixtures('rws').json<RwsMath>('rws_math.json');

export function goldenState(weights: Weights): StateDict {
  return new Map(
    golden.state.keys.map((key) => [key, tensorData('F32', golden.state.shapes[key]!, weights[key]!)]),
  );
}

/** A unit is a convolution with its bias, as the paper's `select_layers` counts. */
export const goldenUnits: readonly (readonly string[])[] = ['0', '2', '5', '7'].map((layer) => [
  `features.${layer}.weight`,
  `features.${layer}.bias`,
]);
