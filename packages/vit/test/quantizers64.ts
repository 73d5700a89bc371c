import type { Parameters64 } from './reference-layers.ts';

/** What shares a step, as `LsqSpec` says it, and the codes. */
export interface Sharing {
  readonly groups: number;
  readonly inner: number;
  readonly signed: boolean;
  readonly bits: number;
}

interface Rounding {
  /** What rounding adds to x / s where x is within the levels; elsewhere the code. */
  readonly residual: Float64Array;
  readonly within: Uint8Array;
  readonly steps: Float64Array;
}

/**
 * OFQ's quantizers in float64, each known by a name. `round` rounds and keeps what it did. `hold` holds all roundings as they were
 * kept: with rounding a constant, all is smooth, and its derivatives are those that the straight-through estimators of StatsQ and LSQ
 * claim (steps at the speed that LSQ's gradient scale gives them). `start` sets the steps from the data first.
 */
export class Quantizers64 {
  mode: 'round' | 'hold' | 'start' = 'round';
  /** Smallest distance to a tie or to the last level, in levels and over 1 + |x / s|: codes are sure where it is well above float32's eps. */
  margin = Number.POSITIVE_INFINITY;
  /** The steps that `start` has set. */
  readonly started = new Map<string, Float64Array>();
  /** Names of all parameters that were read. */
  readonly read = new Set<string>();
  private readonly roundings = new Map<string, Rounding>();
  private readonly shifts = new Map<string, Float64Array>();
  private readonly parameters: Parameters64;

  constructor(parameters: Parameters64) {
    this.parameters = parameters;
  }

  get(name: string): Float64Array {
    const parameter = this.parameters.get(name);
    if (parameter === undefined) throw new Error(`no ${name}`);
    this.read.add(name);
    return parameter.data;
  }

  /** LSQ(x + before) + after; the offsets repeat along x. */
  lsq(
    x: Float64Array,
    name: string,
    { groups, inner, signed, bits }: Sharing,
    before: Float64Array = new Float64Array(1),
    after: Float64Array = new Float64Array(1),
  ): Float64Array {
    const [low, high] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
    const moved = x.map((value, i) => value + before[i % before.length]!);
    const group = (i: number): number => Math.floor(i / inner) % groups;
    const steps = this.mode === 'start' ? new Float64Array(groups) : this.get(name);
    if (this.mode === 'start') {
      for (const [i, value] of moved.entries()) steps[group(i)]! += Math.abs(value);
      // The image's is signed, and its factor that of all that is.
      const factor = ((signed ? 2 : 4) * groups) / moved.length / Math.sqrt(high);
      for (let g = 0; g < groups; g++) steps[g] = Math.fround(steps[g]! * factor);
      this.started.set(name, steps);
    }
    if (this.mode === 'hold') {
      const { residual, within, steps: from } = this.roundings.get(name)!;
      const speed = 1 / Math.sqrt((high * x.length) / groups);
      return moved.map((value, i) => {
        const g = group(i);
        const step = from[g]! + speed * (steps[g]! - from[g]!);
        return (within[i] === 1 ? value : 0) + residual[i]! * step + after[i % after.length]!;
      });
    }
    const residual = new Float64Array(x.length);
    const within = new Uint8Array(x.length);
    const y = moved.map((value, i) => {
      const step = steps[group(i)]!;
      const v = value / step;
      const code = Math.min(high, Math.max(low, halfToEven(v)));
      within[i] = v >= low && v <= high ? 1 : 0;
      residual[i] = within[i] === 1 ? code - v : code;
      this.watch(v, low, high);
      return code * step + after[i % after.length]!;
    });
    this.roundings.set(name, { residual, within, steps: steps.slice() });
    return y;
  }

  /** StatsQ of the rows of w. */
  statsq(w: Float64Array, name: string, rows: number, bits: number): Float64Array {
    if (this.mode === 'hold') {
      const shift = this.shifts.get(name)!;
      return w.map((value, i) => value + shift[i]!);
    }
    const [width, n] = [w.length / rows, 2 ** (bits - 1)];
    const q = new Float64Array(w.length);
    for (let row = 0; row < rows; row++) {
      const own = w.subarray(row * width, (row + 1) * width);
      const scale = (2 * own.reduce((sum, value) => sum + Math.abs(value), 0)) / width;
      for (const [i, value] of own.entries()) {
        const before = (n * value) / scale - 0.5;
        const code = Math.min(n - 1, Math.max(-n, halfToEven(before)));
        this.watch(before, -n, n - 1);
        q[row * width + i] = (scale * (code + 0.5)) / n;
      }
    }
    this.shifts.set(
      name,
      q.map((value, i) => value - w[i]!),
    );
    return q;
  }

  private watch(v: number, low: number, high: number): void {
    // A probability that the shift mask leaves out is 1e-44, and never below the lowest level.
    const above = Math.abs(v - low) < 1e-30 ? Number.POSITIVE_INFINITY : Math.abs(v - low);
    const beyond = Math.min(above, Math.abs(v - high));
    const inside = v > low - 1 && v < high + 1;
    const tie = inside ? Math.abs(v - Math.floor(v) - 0.5) : Number.POSITIVE_INFINITY;
    this.margin = Math.min(this.margin, Math.min(beyond, tie) / (1 + Math.abs(v)));
  }
}

function halfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.floor(x + 0.5);
  return below % 2 === 0 ? below : below + 1;
}
