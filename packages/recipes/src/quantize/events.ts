import type { OscillationRecord } from '@proj/quant-stats';
import type { TrainEvent } from '@proj/trainer';

/**
 * What `quantizeClassifier` tells: the trainer's events, and
 * - `calibrated`, first of all in a run that begins: LSQ's steps were set on the first training batch;
 * - `oscillation`, after the `step` that it tells of;
 * - `annealing`, before the first step of that stage.
 */
export type QuantizeEvent<E = never> =
  | TrainEvent<E>
  | {
      readonly kind: 'calibrated';
      readonly step: 0;
      /** How many images the steps were set on. */
      readonly images: number;
    }
  | { readonly kind: 'annealing'; readonly step: number }
  | { readonly kind: 'oscillation'; readonly step: number; readonly record: OscillationRecord };
