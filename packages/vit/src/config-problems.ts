import { VitError } from './error.ts';

/** How an 8-bit image becomes model input: resize the shorter side to imageSize / cropPct, centre crop, (x / 255 - mean) / std. */
export interface Preprocessing {
  /** One value a channel, in units of 1 (not 255). */
  readonly mean: readonly number[];
  /** One positive value a channel. */
  readonly std: readonly number[];
  readonly interpolation: 'bicubic' | 'bilinear';
  /** Share of the resized side that the centre crop keeps, in (0, 1]. */
  readonly cropPct: number;
}

/** Larger than in any published model; a file that asks for more is refused before anything is allocated. */
const largestCount = 65_536;
export const largestDepth = 1_024;

/** Collects what is wrong with a configuration, so that every fault is named at once. */
export class ConfigProblems {
  readonly #problems: string[] = [];

  demand(holds: boolean, problem: string): void {
    if (!holds) this.#problems.push(problem);
  }

  count(field: string, value: number, largest: number = largestCount): void {
    this.demand(
      Number.isInteger(value) && value >= 1 && value <= largest,
      `${field} must be an integer from 1 to ${largest}, got ${value}`,
    );
  }

  /** The hidden width of the MLP of tokens of this width. */
  hidden(width: number, mlpRatio: number): void {
    const hidden = width * mlpRatio;
    this.demand(
      hidden >= 1 && hidden <= largestCount && Math.abs(hidden - Math.round(hidden)) < 1e-6,
      `embedDim ${width} times mlpRatio ${mlpRatio} must be an integer from 1 to ${largestCount}`,
    );
  }

  eps(layerNormEps: number): void {
    this.demand(layerNormEps > 0 && layerNormEps < 1, `layerNormEps must lie in (0, 1), got ${layerNormEps}`);
  }

  preprocessing({ mean, std, cropPct }: Preprocessing, channels: number): void {
    this.demand(
      mean.length === channels && mean.every(Number.isFinite),
      `preprocessing.mean must hold ${channels} finite numbers, got [${mean}]`,
    );
    this.demand(
      std.length === channels && std.every((value) => value > 0 && Number.isFinite(value)),
      `preprocessing.std must hold ${channels} positive numbers, got [${std}]`,
    );
    this.demand(cropPct > 0 && cropPct <= 1, `preprocessing.cropPct must lie in (0, 1], got ${cropPct}`);
  }

  /** @throws {VitError} `VIT_CONFIG_INVALID` where there are any. */
  refuse(name: string): void {
    if (this.#problems.length === 0) return;
    throw new VitError(
      'VIT_CONFIG_INVALID',
      `the configuration "${name}" describes no vision transformer: ${this.#problems.join('; ')}.`,
      this.#problems,
    );
  }
}
