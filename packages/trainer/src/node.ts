import { existsSync } from 'node:fs';
import { readSafetensors, writeSafetensors } from '@proj/tensor-io/node';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
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
 * @throws {TrainerError} on load TRAINER_CHECKPOINT_INVALID; on save TRAINER_NOT_FINITE, TRAINER_NAME_RESERVED.
 * @throws {TensorIoError} when the file is damaged, or cannot be read or written.
 */
export function checkpointFile(path: string): CheckpointFile {
  return {
    async save(checkpoint) {
      const { state, metadata } = await encodeCheckpoint(checkpoint);
      await writeSafetensors(path, state, metadata);
      return path;
    },
    async load() {
      if (!existsSync(path)) return undefined;
      return decodeCheckpoint(await readSafetensors(path), path);
    },
  };
}

// Data parallelism in one machine
export { type DataParallel, type DataParallelOptions, dataParallel } from './data-parallel.ts';
export { serveGradients } from './gradient-worker.ts';
