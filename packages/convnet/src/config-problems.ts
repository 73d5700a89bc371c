import type { Preprocessing } from './config.ts';
import { ConvnetError } from './error.ts';

/** Larger than in any published model; a file that asks for more is refused before anything is allocated. */
const largestCount = 65_536;
const largestDepth = 1_024;

/** Collects what is wrong with a configuration, so that every fault is named at once. */
export class ConfigProblems {
  readonly #problems: string[] = [];

  demand(holds: boolean, problem: string): void {
    if (!holds) this.#problems.push(problem);
  }

  count(field: string, value: number): void {
    this.demand(
      Number.isInteger(value) && value >= 1 && value <= largestCount,
      `${field} must be an integer from 1 to ${largestCount}, got ${value}`,
    );
  }

  list(field: string, values: readonly unknown[]): void {
    this.demand(values.length > 0, `${field} must not be empty`);
  }

  depth(layers: number): void {
    this.demand(layers <= largestDepth, `there are ${layers} layers, at most ${largestDepth} are taken`);
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

  /** @throws {ConvnetError} `CONVNET_CONFIG_INVALID` where there are any. */
  refuse(name: string): void {
    if (this.#problems.length === 0) return;
    throw new ConvnetError(
      'CONVNET_CONFIG_INVALID',
      `the configuration "${name}" describes no convolutional network: ${this.#problems.join('; ')}.`,
      this.#problems,
    );
  }
}
