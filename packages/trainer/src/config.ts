import { sha256 } from '@proj/tensor-io';
import { TrainerError } from './error.ts';

/**
 * What a run depends on, flat, so that two of them can be compared by name: model, data set, seed, learning rate,
 * epochs, kernel flavour, ...
 */
export type Config = Readonly<Record<string, string | number | boolean | null>>;

/** SHA-256 of the configuration as JSON with sorted keys: equal exactly when {@link requireSameConfig} passes. */
export async function configFingerprint(config: Config): Promise<string> {
  const entries = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(new TextEncoder().encode(JSON.stringify(entries)));
}

/**
 * Refuses to go on with another configuration than the one a checkpoint was made with.
 *
 * @throws {TrainerError} TRAINER_CONFIG_MISMATCH, naming every difference.
 */
export function requireSameConfig(checkpoint: Config, current: Config): void {
  const show = (config: Config, key: string): string =>
    Object.hasOwn(config, key) ? JSON.stringify(config[key]) : 'not set';
  const differences = [...new Set([...Object.keys(checkpoint), ...Object.keys(current)])]
    .filter((key) => show(checkpoint, key) !== show(current, key))
    .map((key) => `${key} was ${show(checkpoint, key)} and is now ${show(current, key)}`);
  if (differences.length > 0) {
    throw new TrainerError(
      'TRAINER_CONFIG_MISMATCH',
      `the checkpoint belongs to another configuration: ${differences.join('; ')}. Resume with the old one, or start afresh elsewhere.`,
    );
  }
}
