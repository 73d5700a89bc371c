import { clone, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { thresholdDistance } from './boundary.ts';
import { positions, statsqScale } from './codes.ts';
import { QuantStatsError } from './error.ts';
import { requireFinite } from './finite.ts';
import { type Bins, type Histogram, histogram } from './histogram.ts';
import { levelsOf } from './layout.ts';
import type { Quantizer } from './quantizers.ts';
import { roundHalfEven } from './round.ts';
import { type OscillationState, type TrackingSettings, trackOscillation } from './track-oscillation.ts';

export interface TrackerSettings extends Omit<TrackingSettings, 'freezeAbove'> {
  /** Weights of a higher frequency count as oscillating. */
  readonly oscillatingAbove: number;
  /** BR: weights at most this far from a threshold, in levels, count as within the boundary range; OFQ's CGA has 0.005. */
  readonly boundaryRange: number;
  /** Bins for w / s, where histograms are wanted. */
  readonly histogram?: Bins;
}

/** The latent weight of a layer after a step. */
export interface TrackedWeight {
  readonly quantizer: Quantizer;
  readonly weight: Tensor;
  /** LSQ's steps; StatsQ makes its own scales. */
  readonly step?: Tensor;
  /** Of the loss with respect to the weight, for the turns of its direction. */
  readonly gradient?: Tensor;
}

/** What happened to a layer's weights in one step. Numbers of weights, unless it says otherwise. */
export interface LayerOscillation {
  readonly name: string;
  readonly weights: number;
  /** Steps seen so far. */
  readonly steps: number;
  /** Changed their code. */
  readonly flips: number;
  /** Changed it back. */
  readonly oscillated: number;
  /** Have oscillated more often than `oscillatingAbove` in the moving average. */
  readonly oscillating: number;
  /** Mean of that moving average. */
  readonly meanFrequency: number;
  readonly withinBoundary: number;
  /** Of those within the boundary range, whose gradient has the other sign than their last one; null without gradients. */
  readonly gradientTurns: number | null;
  /** Of the layer's scales or steps. */
  readonly scale: { readonly min: number; readonly mean: number; readonly max: number };
  /** Of w / s; null without bins. */
  readonly histogram: Histogram | null;
}

/** JSON: the last step of every layer, and all layers together. */
export interface OscillationRecord {
  readonly schema: 'proj.oscillation/1';
  readonly settings: TrackerSettings;
  readonly layers: readonly (LayerOscillation & {
    readonly flipsSoFar: number;
    readonly oscillatedSoFar: number;
  })[];
  /** Shares of all weights of all layers, in the last step; 0 where there is none. */
  readonly shares: {
    readonly flips: number;
    readonly oscillating: number;
    readonly withinBoundary: number;
  };
}

/** What is remembered of a layer between steps. */
export interface LayerState {
  readonly oscillation: OscillationState;
  /** Sign of each weight's last gradient that was not 0. */
  readonly gradientSign: Int8Array;
  readonly last: LayerOscillation;
}

/**
 * Watches the weights of quantized layers through a training: `observe` each after every step, by its name, and `record()` when a
 * record is wanted. Reads weights and gradients back; `states` of an interrupted run go on where it ended.
 */
export class OscillationTracker {
  readonly settings: TrackerSettings;
  readonly #states: Map<string, LayerState>;

  /** @throws {QuantStatsError} `QS_ARGUMENT_INVALID` for bounds that are negative or no numbers. */
  constructor(settings: TrackerSettings, states: ReadonlyMap<string, LayerState> = new Map()) {
    const { oscillatingAbove, boundaryRange } = settings;
    if (!(oscillatingAbove >= 0) || !(boundaryRange >= 0)) {
      throw new QuantStatsError(
        'QS_ARGUMENT_INVALID',
        `OscillationTracker: oscillatingAbove and boundaryRange must be at least 0, got ${oscillatingAbove} and ${boundaryRange}.`,
      );
    }
    this.settings = settings;
    this.#states = new Map(states);
  }

  /** For a checkpoint. The arrays are those that the tracker goes on with. */
  get states(): ReadonlyMap<string, LayerState> {
    return this.#states;
  }

  /**
   * Takes a step of one layer.
   *
   * @throws {QuantStatsError} `QS_NON_FINITE`, `QS_SHAPE_MISMATCH`; `QS_ARGUMENT_INVALID` for LSQ without its steps.
   */
  observe(name: string, tracked: TrackedWeight): LayerOscillation {
    const { momentum, oscillatingAbove, boundaryRange, histogram: bins } = this.settings;
    const { at, scales } = read(name, tracked);
    const levels = levelsOf(tracked.quantizer);
    const before = this.#states.get(name);
    const codes = new Int16Array(at.length);
    const within = new Uint8Array(at.length);
    // Plain loops here and below: this runs for every weight in every step.
    for (let i = 0; i < at.length; i++) {
      const position = at[i]!;
      codes[i] = Math.min(Math.max(roundHalfEven(position), levels.low), levels.high);
      if (thresholdDistance(position, levels) <= boundaryRange) within[i] = 1;
    }
    const { state, flips, oscillated } = trackOscillation(before?.oscillation, codes, { momentum });

    const gradientSign = before?.gradientSign ?? new Int8Array(at.length);
    const last: LayerOscillation = {
      name,
      weights: at.length,
      steps: state.steps,
      flips,
      oscillated,
      oscillating: countAbove(state.frequency, oscillatingAbove),
      meanFrequency: sum(state.frequency) / at.length,
      withinBoundary: sum(within),
      gradientTurns: tracked.gradient === undefined ? null : turns(name, tracked, within, gradientSign),
      scale: { min: Math.min(...scales), mean: sum(scales) / scales.length, max: Math.max(...scales) },
      histogram: bins === undefined ? null : histogram(ratios(tracked.quantizer, at), bins),
    };
    this.#states.set(name, { oscillation: state, gradientSign, last });
    return last;
  }

  record(): OscillationRecord {
    const states = [...this.#states.values()];
    const layers = states.map(({ last, oscillation: { flips, total } }) => ({
      ...last,
      flipsSoFar: flips,
      oscillatedSoFar: sum(total),
    }));
    const weights = sum(layers.map((layer) => layer.weights));
    const share = (of: 'flips' | 'oscillating' | 'withinBoundary'): number =>
      weights === 0 ? 0 : sum(layers.map((layer) => layer[of])) / weights;
    return {
      schema: 'proj.oscillation/1',
      settings: this.settings,
      layers,
      shares: {
        flips: share('flips'),
        oscillating: share('oscillating'),
        withinBoundary: share('withinBoundary'),
      },
    };
  }
}

/** Positions of the weights among the levels, and scales. */
function read(
  name: string,
  { quantizer, weight, step }: TrackedWeight,
): { at: Float32Array; scales: Float32Array } {
  if (quantizer.method === 'lsq' && step === undefined) {
    throw new QuantStatsError(
      'QS_ARGUMENT_INVALID',
      `OscillationTracker: ${name} is quantized by LSQ; pass its step.`,
    );
  }
  const found = tidy(() => {
    const scale = quantizer.method === 'statsq' ? statsqScale(quantizer, weight) : step!;
    return [positions(quantizer, weight, scale), clone(scale)] as [Tensor, Tensor];
  });
  // Read outside of the tidy, which would look for tensors among the numbers, one by one.
  const [at, scales] = found.map((tensor) => tensor.dataSync()) as [Float32Array, Float32Array];
  for (const tensor of found) tensor.dispose();
  return { at, scales };
}

/** w / s of positions. */
function ratios(quantizer: Quantizer, at: Float32Array): Float32Array {
  const n = 2 ** (quantizer.bits - 1);
  return quantizer.method === 'statsq' ? at.map((position) => (position + 0.5) / n) : at;
}

/** Counts the weights within the boundary range whose gradient turned, and remembers the signs of all. */
function turns(
  name: string,
  { gradient, weight }: TrackedWeight,
  within: Uint8Array,
  signs: Int8Array,
): number {
  if (gradient!.size !== weight.size) {
    throw new QuantStatsError(
      'QS_SHAPE_MISMATCH',
      `OscillationTracker: the weight ${name} is [${weight.shape}], its gradient [${gradient!.shape}].`,
    );
  }
  requireFinite(`the gradient of ${name}`, gradient!);
  let turned = 0;
  const values = gradient!.dataSync();
  for (let i = 0; i < values.length; i++) {
    const sign = Math.sign(values[i]!);
    if (within[i] === 1 && sign !== 0 && signs[i] === -sign) turned++;
    if (sign !== 0) signs[i] = sign;
  }
  return turned;
}

function countAbove(values: Float32Array, bound: number): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i]! > bound) count++;
  return count;
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
