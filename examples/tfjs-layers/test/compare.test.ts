import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));

describe('the example with tfjs-layers, on the built packages', () => {
  it('trains with and without the import to the same losses, and convolutions only with it', async () => {
    for (const built of ['wasm-kernels/dist/install.js', 'ops/dist/gradients.js']) {
      expect(
        existsSync(`${folder}../../packages/${built}`),
        `build ${built} before testing the example`,
      ).toBe(true);
    }
    const { stdout } = await promisify(execFile)(process.execPath, ['compare.mjs', '100', '1'], {
      cwd: folder,
    });
    expect(stdout).toMatch(
      /attention\n.*alone .* s, loss \d\.\d+\n.*install' .* s, loss \d\.\d+\n.*times as fast/,
    );
    expect(stdout).toMatch(
      /convolutions\n.*alone +Kernel 'Conv2DBackpropFilter' not registered.*\n.*install' .* s, loss \d\.\d+\n/,
    );
  });
});
