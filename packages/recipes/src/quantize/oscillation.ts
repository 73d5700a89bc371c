import {
  type Bins,
  type LayerState,
  type OscillationRecord,
  OscillationTracker,
  type TrackerSettings,
} from '@proj/quant-stats';
import type { Optimizer } from '@proj/trainer';
import { clone, dispose } from '@tensorflow/tfjs-core';
import type { BlockWeight } from './weights.ts';

/** Watches weights through a training. */
export interface OscillationWatch {
  /** `optimizer` whose steps are seen. */
  around(optimizer: Optimizer): Optimizer;
  /** What the last step did. */
  record(): OscillationRecord;
  /** For a checkpoint. */
  states: ReadonlyMap<string, LayerState>;
}

/**
 * Follows the codes of weights from step to step by `OscillationTracker`. Of a product, which is no parameter, the turns of the gradient are
 * not told.
 */
export function watchOscillation(weights: readonly BlockWeight[], boundaryRange: number): OscillationWatch {
  const settings: TrackerSettings = {
    // The reference code's, and Nagel et al.'s bound for a weight that oscillates.
    momentum: 0.01,
    oscillatingAbove: 0.005,
    boundaryRange,
    histogram: bins(weights),
  };
  let tracker = new OscillationTracker(settings);
  return {
    record: () => tracker.record(),
    get states() {
      return tracker.states;
    },
    set states(states) {
      tracker = new OscillationTracker(settings, states);
    },
    around: (optimizer) => ({
      ...optimizer,
      step(parameters, gradients, state) {
        const kept = new Map(
          weights.flatMap(({ name, merged }) => (merged ? [] : [[name, clone(gradients.get(name)!)]])),
        );
        try {
          const result = optimizer.step(parameters, gradients, state);
          for (const { name, quantizer, step, latent } of weights) {
            const weight = latent(result.parameters);
            const gradient = kept.get(name);
            tracker.observe(name, {
              quantizer,
              weight,
              ...(gradient && { gradient }),
              ...(step !== undefined && { step: result.parameters.get(step)! }),
            });
            weight.dispose();
          }
          return result;
        } finally {
          dispose([...kept.values()]);
        }
      },
    }),
  };
}

/**
 * Bins of w / s so that every threshold of 2, 3 and 4 bits lies in the middle of one: StatsQ's at j / 2^(b-1) with most weights in ±1, LSQ's
 * halfway between the codes.
 */
function bins(weights: readonly BlockWeight[]): Bins {
  const lsq = weights.flatMap(({ quantizer: { method, bits } }) => (method === 'lsq' ? [bits] : []));
  const [bound, width] = lsq.length === 0 ? [1.5, 1 / 32] : [2 ** (Math.max(...lsq) - 1) + 0.5, 1 / 16];
  const count = 2 * Math.round(bound / width) + 1;
  return { from: (-count * width) / 2, to: (count * width) / 2, count };
}
