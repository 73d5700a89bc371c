import { QuantStatsError } from './error.ts';
import { roundHalfEven } from './round.ts';

/** What is remembered of a tensor's codes between steps, an entry for each element; plain arrays, so that a checkpoint can hold them. */
export interface OscillationState {
  /** Steps seen so far, the first included. */
  readonly steps: number;
  /** Codes of the last step; of frozen elements those that they are frozen at. */
  readonly codes: Int16Array;
  /** Sign of (previous - new) at each element's last change; 0 before there was one. */
  readonly direction: Int8Array;
  /** f: moving average of how often the element oscillates. */
  readonly frequency: Float32Array;
  /** How often it has oscillated. */
  readonly total: Uint32Array;
  /** How many changes of codes there were, of all elements. */
  readonly flips: number;
  /** Only where elements are frozen. */
  readonly freezing?: FreezingState;
}

export interface FreezingState {
  /** 1 where an element is frozen; it stays so. */
  readonly frozen: Uint8Array;
  /** The code that a frozen element has. */
  readonly frozenCodes: Int16Array;
  /** Moving average of each element's codes. */
  readonly averages: Float32Array;
}

export interface TrackingSettings {
  /** m, weight of the newest step in the moving averages; the reference code has 0.01. */
  readonly momentum: number;
  /** Freezes elements whose frequency exceeds this (iterative freezing of Nagel et al. 2022, who let it fall over the training). */
  readonly freezeAbove?: number;
}

/** One step: its state, and how many elements changed their code and how many of those turned back. */
export interface Tracked {
  readonly state: OscillationState;
  readonly flips: number;
  readonly oscillated: number;
}

/**
 * Follows the codes of a tensor through a training (Nagel et al. 2022, "Overcoming Oscillations in Quantization-Aware Training"; `TrackOscillation`). An element oscillates where
 * its code changes, and in the other direction than at its last change; f = m o + (1 - m) f with o = 1 for such a step, else 0, in
 * float32.
 *
 * With `freezeAbove`, elements of a higher frequency are frozen from the next step on, at the rounded moving average of their codes.
 * The given state is consumed: its arrays hold the next one.
 *
 * @param codes Integer codes of the step, the same elements as before.
 * @throws {QuantStatsError} `QS_SHAPE_MISMATCH` for another number of codes; `QS_NON_FINITE` for codes that are no integers;
 * `QS_ARGUMENT_INVALID` for a momentum outside (0, 1], or a threshold that is not positive.
 */
export function trackOscillation(
  state: OscillationState | undefined,
  codes: ArrayLike<number>,
  { momentum, freezeAbove }: TrackingSettings,
): Tracked {
  requireSettings(momentum, freezeAbove);
  requireCodes(codes, state?.codes.length);
  const given = Int16Array.from(codes);
  const before = state ?? fresh(given);
  const freezing = freezeAbove === undefined ? before.freezing : (before.freezing ?? unfrozen(given));
  if (freezing !== undefined) {
    freezing.frozen.forEach((frozen, i) => {
      if (frozen === 1) given[i] = freezing.frozenCodes[i]!;
    });
  }

  const { codes: previous, direction, frequency, total } = before;
  // As torch rounds them: factors to float32, and after every operation.
  const [newest, rest] = [Math.fround(momentum), Math.fround(1 - momentum)];
  let [flips, oscillated] = [0, 0];
  for (let i = 0; i < given.length; i++) {
    const turn = Math.sign(previous[i]! - given[i]!);
    const oscillates = turn !== 0 && direction[i] === -turn;
    frequency[i] = (oscillates ? newest : 0) + Math.fround(rest * frequency[i]!);
    if (turn === 0) continue;
    flips++;
    direction[i] = turn;
    if (!oscillates) continue;
    oscillated++;
    total[i]!++;
  }
  if (freezeAbove !== undefined) freeze(freezing!, given, frequency, freezeAbove, newest, rest);
  previous.set(given);
  return {
    state: {
      ...before,
      steps: before.steps + 1,
      flips: before.flips + flips,
      ...(freezing && { freezing }),
    },
    flips,
    oscillated,
  };
}

/** Freezes at the average of the steps before this one, then takes this one into the average. */
function freeze(
  { frozen, frozenCodes, averages }: FreezingState,
  codes: Int16Array,
  frequency: Float32Array,
  threshold: number,
  newest: number,
  rest: number,
): void {
  const bound = Math.fround(threshold);
  for (let i = 0; i < codes.length; i++) {
    if (frequency[i]! > bound) {
      frozen[i] = 1;
      frozenCodes[i] = roundHalfEven(averages[i]!);
    }
    averages[i] = Math.fround(newest * codes[i]!) + Math.fround(rest * averages[i]!);
  }
}

const fresh = (codes: Int16Array): OscillationState => ({
  steps: 0,
  codes: codes.slice(),
  direction: new Int8Array(codes.length),
  frequency: new Float32Array(codes.length),
  total: new Uint32Array(codes.length),
  flips: 0,
});

const unfrozen = (codes: Int16Array): FreezingState => ({
  frozen: new Uint8Array(codes.length),
  frozenCodes: new Int16Array(codes.length),
  averages: Float32Array.from(codes),
});

function requireSettings(momentum: number, freezeAbove: number | undefined): void {
  if (momentum > 0 && momentum <= 1 && (freezeAbove === undefined || freezeAbove > 0)) return;
  throw new QuantStatsError(
    'QS_ARGUMENT_INVALID',
    `trackOscillation: momentum must be in (0, 1] and freezeAbove positive or left out, got momentum = ${momentum}, freezeAbove = ${freezeAbove}.`,
  );
}

function requireCodes(codes: ArrayLike<number>, expected: number | undefined): void {
  if (expected !== undefined && codes.length !== expected) {
    throw new QuantStatsError(
      'QS_SHAPE_MISMATCH',
      `trackOscillation: ${codes.length} codes, but ${expected} in the steps before; follow each tensor with a state of its own.`,
    );
  }
  for (let i = 0; i < codes.length; i++) {
    if (Number.isInteger(codes[i])) continue;
    throw new QuantStatsError(
      'QS_NON_FINITE',
      `trackOscillation: code ${i} is ${codes[i]}, which is no integer; pass what codes() gives.`,
    );
  }
}
