import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { buildInto } from '../test/built-package.ts';
import { inFolder } from '../test/folder.ts';
import { TENSOR_IO_ERROR_CODES, TensorIoError } from './errors.ts';

const source = fileURLToPath(new URL('.', import.meta.url));
const textOf = (path: string) => readFileSync(join(source, path), 'utf8');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

describe('TensorIoError', () => {
  it('carries a code, a message and the cause', () => {
    const cause = new RangeError('inner');
    const error = new TensorIoError('TIO_IO', 'cannot read a: inner.', { cause });
    expect([error.name, error.code, error.message, error.cause]).toEqual([
      'TensorIoError',
      'TIO_IO',
      'cannot read a: inner.',
      cause,
    ]);
  });

  it('has its codes explained in the README, in the order of the list', () => {
    const explained = [...textOf('../README.md').matchAll(/^\| `(TIO_\w+)` +\|/gm)].map(([, code]) => code);
    expect(explained).toEqual(TENSOR_IO_ERROR_CODES);
  });

  it('has every code thrown somewhere and expected by a test', () => {
    const tests = files.filter((file) => file.endsWith('.test.ts') && !file.startsWith('errors'));
    const corpus = [...tests.map(textOf), textOf('../test/malformed-safetensors.ts')].join('\n');
    const code = files
      .filter((file) => !file.endsWith('.test.ts') && file !== 'errors.ts')
      .map(textOf)
      .join('\n');
    const missing = (text: string) => TENSOR_IO_ERROR_CODES.filter((name) => !text.includes(`'${name}'`));
    expect([missing(code), missing(corpus)]).toEqual([[], []]);
  });
});

describe('the built package', () => {
  it('runs the example of the README in an empty folder, with the output it states', async () => {
    await inFolder(async (folder) => {
      await buildInto(folder);
      const example = /```js\n([\s\S]*?)```/.exec(textOf('../README.md'))![1]!;
      await writeFile(join(folder, 'example.mjs'), example);
      const { stdout, stderr } = spawnSync(process.execPath, ['example.mjs'], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      expect(stdout.trim().split('\n')).toEqual(
        [...example.matchAll(/\/\/ => (.*)$/gm)].map(([, output]) => output),
      );
    });
  });
});
