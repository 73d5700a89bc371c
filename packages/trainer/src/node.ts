import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '@proj/tensor-io/node';
import { type Checkpoint, parseCheckpoint, serializeCheckpoint } from './checkpoint.ts';
import type { CheckpointStore } from './train.ts';

/** A {@link CheckpointStore} that can also be read. */
export interface CheckpointFile extends CheckpointStore {
  /** The latest checkpoint, or undefined when there is none yet. */
  load(): Promise<Checkpoint | undefined>;
}

/**
 * One safetensors file that always holds the latest checkpoint, complete: it is written aside, flushed and renamed.
 * To keep an earlier one, copy the file.
 *
 * Pass `resume: await file.load()` to go on after whatever ended the run before.
 *
 * @throws {TrainerError} on load TRAINER_CHECKPOINT_INVALID; on save what `serializeCheckpoint` throws.
 * @throws {TensorIoError} when the file is damaged or cannot be written.
 */
export function checkpointFile(path: string): CheckpointFile {
  return {
    async save(checkpoint) {
      await writeFileAtomic(path, await serializeCheckpoint(checkpoint));
      return path;
    },
    async load() {
      const bytes = await readIfThere(path);
      return bytes === undefined ? undefined : parseCheckpoint(bytes, path);
    },
  };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
