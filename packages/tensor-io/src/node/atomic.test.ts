import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildInto } from '../../test/built-package.ts';
import { rejectionCode } from '../../test/code-of.ts';
import { inFolder } from '../../test/folder.ts';
import { writeFileAtomic } from './atomic.ts';

const filled = (byte: number, length = 10) => new Uint8Array(length).fill(byte);
const read = async (path: string) => new Uint8Array(await readFile(path));

describe('writeFileAtomic', () => {
  it('writes new files and replaces old ones, from bytes or from pieces', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'a.bin');
      await writeFileAtomic(path, filled(1));
      expect(await read(path)).toEqual(filled(1));
      await writeFileAtomic(path, [filled(2, 3), filled(2, 0), filled(2, 7)]);
      expect(await read(path)).toEqual(filled(2));
      await writeFileAtomic(
        path,
        (async function* () {
          yield filled(3, 4);
        })(),
      );
      expect(await read(path)).toEqual(filled(3, 4));
      await writeFileAtomic(path, []);
      expect(await readdir(folder)).toEqual(['a.bin']);
      expect((await stat(path)).size).toBe(0);
    });
  });

  it('keeps the permissions of the file it replaces', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'secret');
      await writeFileAtomic(path, filled(1));
      await chmod(path, 0o600);
      await writeFileAtomic(path, filled(2));
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    });
  });

  it('leaves the old file and no other when the pieces fail to come', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'a.bin');
      await writeFileAtomic(path, filled(1));
      const failing = function* () {
        yield filled(2);
        throw new RangeError('no more');
      };
      await expect(writeFileAtomic(path, failing())).rejects.toThrow(RangeError);
      expect(await read(path)).toEqual(filled(1));
      expect(await readdir(folder)).toEqual(['a.bin']);
    });
  });

  it('replaces the target of a link, not the link; a link to nothing is refused', async () => {
    await inFolder(async (folder) => {
      const [target, link] = [join(folder, 'sub', 'target'), join(folder, 'link')];
      await mkdir(join(folder, 'sub'));
      await symlink(target, link);
      expect(await rejectionCode(writeFileAtomic(link, filled(1)))).toBe('TIO_NOT_FOUND');
      await writeFile(target, filled(1));
      await writeFileAtomic(link, filled(2));
      expect((await lstat(link)).isSymbolicLink()).toBe(true);
      expect(await read(target)).toEqual(filled(2));
    });
  });

  it('refuses what is no file, and folders that do not exist', async () => {
    await inFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '');
      await symlink('loop', join(folder, 'loop'));
      const code = (path: string) => rejectionCode(writeFileAtomic(join(folder, path), filled(1)));
      expect(await code('.')).toBe('TIO_NOT_A_FILE');
      expect(await rejectionCode(writeFileAtomic('/dev/null', filled(1)))).toBe('TIO_NOT_A_FILE');
      expect(await code('missing/a')).toBe('TIO_NOT_FOUND');
      expect(await code('file/a')).toBe('TIO_NOT_FOUND');
      expect(await code('loop')).toBe('TIO_IO');
      expect(await code('x'.repeat(300))).toBe('TIO_IO');
      await expect(writeFileAtomic(join(folder, 'missing/a'), filled(1))).rejects.toThrow(
        /^cannot .*missing.*ENOENT/,
      );
    });
  });

  it('takes file names as long as the system does', async () => {
    await inFolder(async (folder) => {
      for (const name of ['x'.repeat(255), 'é'.repeat(127), '\u{1f600}'.repeat(63)]) {
        await writeFileAtomic(join(folder, name), filled(1));
        expect(await read(join(folder, name))).toEqual(filled(1));
      }
      expect(await readdir(folder)).toHaveLength(3);
    });
  });

  it('ends with one of the files, whole, when several are written at once', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'a.bin');
      await Promise.all(
        Array.from({ length: 8 }, (_, i) => writeFileAtomic(path, [filled(i, 5000), filled(i, 5000)])),
      );
      const bytes = await read(path);
      expect(bytes).toEqual(filled(bytes[0]!, 10_000));
      expect(await readdir(folder)).toEqual(['a.bin']);
    });
  });

  it('removes what dead writers left, and never what a living one is writing', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'a.bin');
      let own = '';
      await writeFileAtomic(
        path,
        (async function* () {
          own = (await readdir(folder))[0]!;
          yield filled(1);
        })(),
      );
      const [, prefix, number] = /^(\.a\.bin\..*-)\d+-0-(\d+)\.tmp$/.exec(own)!;
      const dead = spawnSync(process.execPath, ['-e', '']).pid;
      const names = {
        dead: `${prefix}${dead}-0-0.tmp`,
        own: `${prefix}${process.pid}-0-${Number(number) + 1}.tmp`,
        init: `${prefix}1-0-0.tmp`,
        foreign: `${prefix}${dead}-0-0.tmp`.replace('.a.', '.b.'),
        other: `${prefix}notes.tmp`,
      };
      for (const name of Object.values(names)) await writeFile(join(folder, name), 'left');
      await writeFileAtomic(path, filled(2));
      expect((await readdir(folder)).sort()).toEqual(
        ['a.bin', names.foreign, names.init, names.other, names.own].sort(),
      );
      expect(await read(path)).toEqual(filled(2));
    });
  });
});

const writer = `
  import { writeFileAtomic } from '@proj/tensor-io/node';
  const [path, pieces] = process.argv.slice(2);
  for (let i = 0; ; i = (i + 1) % 256) {
    await writeFileAtomic(path, Array.from({ length: Number(pieces) }, () => new Uint8Array(20_000).fill(i)));
    if (i === 0) process.stdout.write('written');
  }
`;

const reporter = `
  import { writeFileAtomic } from '@proj/tensor-io/node';
  await writeFileAtomic(process.argv[2], new Uint8Array(9)).catch((error) => console.log(error.code));
`;

describe('a writer that is killed', () => {
  it('leaves the old file or the new one, whole, at any moment, and no litter after the next write', async () => {
    await inFolder(async (folder) => {
      await buildInto(folder);
      await writeFile(join(folder, 'writer.mjs'), writer);
      await mkdir(join(folder, 'out'));
      const path = join(folder, 'out', 'checkpoint.safetensors');
      for (let round = 0; round < 24; round++) {
        const child = spawn(process.execPath, [join(folder, 'writer.mjs'), path, '10'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await once(child.stdout, 'data');
        await new Promise((resolve) => setTimeout(resolve, round * 1.7));
        child.kill('SIGKILL');
        await once(child, 'exit');
        const bytes = await read(path);
        expect(bytes.length).toBe(200_000);
        expect(Buffer.from(bytes).equals(Buffer.alloc(200_000, bytes[0]))).toBe(true);
      }
      await writeFileAtomic(path, filled(1));
      expect(await readdir(join(folder, 'out'))).toEqual(['checkpoint.safetensors']);
    });
  });
});

describe('a folder without permission', () => {
  it('is reported by code', async () => {
    await inFolder(async (folder) => {
      await buildInto(folder);
      await writeFile(join(folder, 'reporter.mjs'), reporter);
      await mkdir(join(folder, 'out'), { mode: 0o555 });
      // The superuser may write everywhere, so the writer runs as nobody.
      const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
      const path = join(folder, 'out', 'a');
      const { stdout } = spawnSync(process.execPath, [join(folder, 'reporter.mjs'), path], {
        ...user,
        encoding: 'utf8',
      });
      expect(stdout).toBe('TIO_PERMISSION\n');
      expect(await readdir(join(folder, 'out'))).toEqual([]);
    });
  });
});

const mount = (...args: string[]) => spawnSync('/bin/mount', args).status === 0;
const canMount = await inFolder(async (folder) => {
  const mounted = mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder);
  if (mounted) spawnSync('/bin/umount', [folder]);
  return mounted;
});

describe.runIf(canMount)('a disk of one mebibyte', () => {
  it('that is full keeps the old file and no other; one that is read-only is reported', async () => {
    await inFolder(async (folder) => {
      const disk = join(folder, 'disk');
      await mkdir(disk);
      expect(mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk)).toBe(true);
      try {
        const path = join(disk, 'a.bin');
        await writeFileAtomic(path, filled(1, 600_000));
        for (const pieces of [[filled(2, 600_000)], Array.from({ length: 60 }, () => filled(2, 10_000))]) {
          expect(await rejectionCode(writeFileAtomic(path, pieces))).toBe('TIO_DISK_FULL');
          expect(Buffer.from(await read(path)).equals(Buffer.alloc(600_000, 1))).toBe(true);
          expect(await readdir(disk)).toEqual(['a.bin']);
        }
        await writeFileAtomic(path, filled(3, 400_000));
        expect(mount('-o', 'remount,ro', disk)).toBe(true);
        expect(await rejectionCode(writeFileAtomic(path, filled(4)))).toBe('TIO_PERMISSION');
      } finally {
        spawnSync('/bin/umount', [disk]);
      }
    });
  });
});
