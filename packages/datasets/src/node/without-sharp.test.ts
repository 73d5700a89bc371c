import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'tsup';
import { describe, expect, it } from 'vitest';

describe('without sharp installed', () => {
  it('everything but image files works, and those say what to install', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'proj-no-sharp-'));
    try {
      await build({
        entry: [fileURLToPath(new URL('../node.ts', import.meta.url))],
        outDir: folder,
        format: 'esm',
        config: false,
        silent: true,
        noExternal: [/^(?!sharp$)/],
        external: ['sharp'],
        outExtension: () => ({ js: '.mjs' }),
        esbuildOptions: (options) => {
          options.conditions = ['@proj/source'];
        },
      });
      await mkdir(join(folder, 'images', 'cat'), { recursive: true });
      await writeFile(join(folder, 'images', 'cat', '1.png'), '');
      await writeFile(
        join(folder, 'main.mjs'),
        `import { listDatasets, openImageFolder } from './node.mjs';
         const error = await openImageFolder('images').catch((error) => error);
         console.log(JSON.stringify([listDatasets().length, error.code, error.message]));`,
      );
      const { stdout } = await promisify(execFile)(process.execPath, ['main.mjs'], { cwd: folder });
      expect(JSON.parse(stdout)).toEqual([
        3,
        'DS_NO_SHARP',
        'reading JPEG and PNG files needs sharp: npm install sharp.',
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
