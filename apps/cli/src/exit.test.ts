import { DatasetError } from '@proj/datasets';
import { TensorIoError } from '@proj/tensor-io';
import { TrainerError } from '@proj/trainer';
import { describe, expect, it } from 'vitest';
import { CliError, exitCodeOf, usageError } from './exit.ts';

const system = (code: string) => Object.assign(new Error(`${code}: no`), { code });

describe('the exit code', () => {
  it.each([
    [1, new Error('a fault')],
    [1, new TrainerError('TRAINER_LOSS_NOT_FINITE', '')],
    [1, new TrainerError('TRAINER_GRADIENTS_NOT_FINITE', '')],
    [1, new TrainerError('TRAINER_WORKER_FAILED', '')],
    [2, usageError('')],
    [3, new CliError('CLI_BELOW_MINIMUM', 3, '')],
    [65, new TensorIoError('TIO_OVERLAP', '')],
    [65, new TrainerError('TRAINER_CONFIG_MISMATCH', '')],
    [66, new TensorIoError('TIO_NOT_FOUND', '')],
    [66, new TensorIoError('TIO_PERMISSION', '')],
    [66, new DatasetError('DS_NOT_FOUND', '')],
    [66, system('ENOENT')],
    [66, system('EACCES')],
    [66, system('EISDIR')],
    [73, new TensorIoError('TIO_EXISTS', '')],
    [73, system('EEXIST')],
    [74, new TensorIoError('TIO_DISK_FULL', '')],
    [74, new TensorIoError('TIO_IO', '')],
    [74, new TensorIoError('TIO_HTTP', '')],
    [74, system('ENOSPC')],
    [130, AbortSignal.abort().reason],
  ])('is %i for %s', (exit, error) => {
    expect(exitCodeOf(error)).toBe(exit);
  });
});
