import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensorData } from '@proj/tensor-io';
import { readSafetensors } from '@proj/tensor-io/node';
import { afterAll, describe, expect, it } from 'vitest';
import { type Checkpoint, serializeCheckpoint } from './checkpoint.ts';
import { checkpointFile } from './node.ts';

const weight = tensorData('F32', [2, 1], [1, 2]);
const at = (globalStep: number): Checkpoint => ({
  parameters: new Map([['head.weight', weight]]),
  buffers: new Map(),
  optimizer: {
    step: globalStep,
    moments: new Map([['momentum_buffer', new Map([['head.weight', weight]])]]),
  },
  position: { epoch: 0, step: globalStep, globalStep },
  config: {},
});

describe('checkpointFile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trainer-file-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is nothing before the first save and the latest checkpoint after each', async () => {
    const path = join(folder, 'run.safetensors');
    const file = checkpointFile(path);
    expect(await file.load()).toBeUndefined();
    for (const checkpoint of [at(1), at(2)]) {
      expect(await file.save(checkpoint)).toBe(path);
      expect(await file.load()).toEqual(checkpoint);
      expect(new Uint8Array(readFileSync(path))).toEqual(await serializeCheckpoint(checkpoint));
    }
    expect((await readSafetensors(path)).state.get('head.weight')).toEqual(weight);
  });

  it('is refused by name when it is damaged or unreadable, not taken for a fresh start', async () => {
    const cut = join(folder, 'cut.safetensors');
    writeFileSync(cut, (await serializeCheckpoint(at(1))).subarray(0, -1));
    for (const path of [cut, folder]) {
      await expect(checkpointFile(path).load()).rejects.toThrow(
        expect.objectContaining({ name: 'TensorIoError', message: expect.stringContaining(path) }),
      );
    }
  });
});
