import type { TensorData } from '../state.ts';
import { readSafetensors } from './safetensors-file.ts';

/**
 * Reads the tensors of a file of any supported format, told by its content.
 *
 * @throws {TensorIoError} as the reader of the format does.
 */
export async function readStateDict(path: string): Promise<Map<string, TensorData>> {
  return (await readSafetensors(path)).state;
}
