import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openData } from './dataset.ts';

const folder = mkdtempSync(join(tmpdir(), 'proj-data-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('--resize scales images, and leaves random crops the stored ones', async () => {
  const pixels = Uint8Array.from({ length: 16 }, (_, i) => 15 * i);
  const idx = (numbers: readonly number[], bytes: Uint8Array): Uint8Array =>
    Uint8Array.from([...numbers.flatMap((number) => [0, 0, number >> 8, number & 255]), ...bytes]);
  writeFileSync(join(folder, 'train-images-idx3-ubyte'), idx([0x803, 1, 4, 4], pixels));
  writeFileSync(join(folder, 'train-labels-idx1-ubyte'), idx([0x801, 1], Uint8Array.of(0)));
  const dataset = await openData(folder, {
    split: 'train',
    size: { size: 8, cropPct: 0.9 },
    resize: true,
    limit: 1,
  });
  expect([dataset.height, dataset.width, (await dataset.images([0])).length]).toEqual([8, 8, 64]);
  expect(await dataset.original!(0)).toEqual({ height: 4, width: 4, channels: 1, data: pixels });
});
