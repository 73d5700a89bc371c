import { type CorruptionName, corruptionNames } from '@proj/corruptions';
import type { DemoResults, ModelRow } from './results.ts';

/** What a child process of the demo is asked to do; everything it needs lies in files. */
export type DemoJob =
  | {
      readonly kind: 'train';
      readonly name: string;
      readonly folder: string;
      readonly seed: number;
      readonly corruption?: CorruptionName;
      /** Absent for the common start itself. */
      readonly start?: string;
    }
  | {
      readonly kind: 'analyse';
      readonly folder: string;
      readonly seed: number;
      readonly corruption: CorruptionName;
    }
  | {
      readonly kind: 'together';
      readonly folder: string;
      readonly seed: number;
      readonly corruptions: readonly CorruptionName[];
    };

/** What a child process tells. `passes` counts images that went forward through a model since the last message. */
export type JobMessage =
  | { readonly kind: 'progress'; readonly passes: number; readonly detail: string }
  | { readonly kind: 'result'; readonly result: JobResult }
  | { readonly kind: 'error'; readonly message: string };

export type JobResult = ModelRow | DemoResults['corruptions'][number] | DemoResults['together'];

export type Report = (passes: number, detail: string) => void;

export const modelFile = (name: string): string => `${name}.safetensors`;
export const signatureFile = (corruption: string): string => `${corruption}.rws.safetensors`;

export function requireCorruption(name: string): CorruptionName {
  const known = corruptionNames.find((other) => other === name);
  if (known === undefined) {
    throw new Error(`there is no corruption "${name}" yet; choose from ${corruptionNames.join(', ')}.`);
  }
  return known;
}
