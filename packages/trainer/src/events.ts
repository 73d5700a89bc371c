import type { NamedTensors } from '@proj/ops';

/** What {@link train} tells, in order. `step` counts the steps done since the beginning of the run, `epoch` counts from 0. */
export type TrainEvent<E> =
  | {
      readonly kind: 'start';
      readonly step: number;
      readonly totalSteps: number;
      readonly resumed: boolean;
    }
  | {
      readonly kind: 'step';
      readonly step: number;
      readonly epoch: number;
      /** Of the batch, before the update. */
      readonly loss: number;
      readonly learningRate: number;
      /** Batch making and computing; the consumer's time between events is not in it. */
      readonly imagesPerSecond: number;
    }
  | { readonly kind: 'evaluation'; readonly step: number; readonly epoch: number; readonly result: E }
  | { readonly kind: 'epoch'; readonly step: number; readonly epoch: number }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly path: string }
  | ({ readonly kind: 'stopped'; readonly step: number; readonly totalSteps: number } & Trained)
  | ({
      readonly kind: 'done';
      readonly step: number;
      /** `stateSha256` of the parameters. */
      readonly sha256: string;
    } & Trained);

/** What a run leaves; whoever receives the event owns the tensors. */
export interface Trained {
  readonly parameters: NamedTensors;
  readonly buffers: NamedTensors;
}
