import { readFile } from 'node:fs/promises';
import type { QuantizeEvent } from '@proj/recipes';

/** What a training said last of its weights' oscillation, as it stands in its folder. */
export type Oscillation = Extract<QuantizeEvent, { kind: 'oscillation' }>['record'] & {
  readonly step: number;
};

/** Undefined where the training was too short to say anything. */
export async function lastOscillation(file: string): Promise<Oscillation | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}
