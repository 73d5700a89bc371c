import { type FileHandle, lstat, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { threadId } from 'node:worker_threads';
import { TensorIoError } from '../errors.ts';
import { fileOperation, systemCode } from './file-errors.ts';

/**
 * Writes a file so that whoever reads it, now or after a crash at any instant, finds the old file or the new one, whole.
 *
 * The bytes go to a temporary file in the same folder, which is flushed to the disk and renamed onto `path`; then the
 * folder is flushed. The file keeps the permissions of the one it replaces; a symbolic link keeps pointing where it does
 * and its target is replaced. A process that is killed leaves at most its temporary file (`.name.host-pid-thread-n.tmp`);
 * the next write of the same path on the same machine removes it. Do not change `bytes` before the promise settles.
 *
 * @param bytes the file, or its consecutive pieces
 * @throws {TensorIoError} `TIO_NOT_FOUND` without a folder, `TIO_PERMISSION`, `TIO_DISK_FULL`, `TIO_NOT_A_FILE` for a folder or
 * device at `path`, `TIO_IO`. The old file is untouched then and the temporary file removed.
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const { target, mode } = await resolveTarget(path);
  await removeStale(target);
  const [handle, temporary] = await createTemporary(target);
  try {
    try {
      if (mode !== undefined) await fileOperation('set the permissions of', temporary, handle.chmod(mode));
      for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes) {
        await writeAll(handle, chunk, target);
      }
      await fileOperation('flush', target, handle.sync());
    } finally {
      await fileOperation('close', target, handle.close());
    }
    await fileOperation('replace', target, rename(temporary, target));
  } catch (error) {
    // Should the removal fail too, the first failure is the one to report.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await flushFolder(dirname(target));
}

/** Follows links to what is to be replaced. */
async function resolveTarget(path: string): Promise<{ target: string; mode?: number }> {
  try {
    const target = await realpath(path);
    const existing = await stat(target);
    if (!existing.isFile()) {
      throw new TensorIoError(
        'TIO_NOT_A_FILE',
        `cannot write ${path}: something other than a file is there.`,
      );
    }
    return { target, mode: existing.mode & 0o7777 };
  } catch (error) {
    if (error instanceof TensorIoError) throw error;
    if (systemCode(error) !== 'ENOENT') return fileOperation('write', path, Promise.reject(error));
  }
  const link = await lstat(path).catch(() => undefined);
  if (link?.isSymbolicLink()) {
    throw new TensorIoError(
      'TIO_NOT_FOUND',
      `cannot write ${path}: it is a link to a file that does not exist.`,
    );
  }
  return { target: resolve(path) };
}

/** Largest single write: the system call takes a 32-bit length. */
const MAX_WRITE_BYTES = 1 << 30;

async function writeAll(handle: FileHandle, chunk: Uint8Array, target: string): Promise<void> {
  let done = 0;
  while (done < chunk.length) {
    const length = Math.min(chunk.length - done, MAX_WRITE_BYTES);
    const { bytesWritten } = await fileOperation('write', target, handle.write(chunk, done, length));
    done += bytesWritten;
  }
}

/** Makes the new name in the folder survive a power cut. Windows cannot flush folders and journals names by itself. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await fileOperation('open', folder, open(folder, 'r'));
  try {
    await fileOperation('flush', folder, handle.sync());
  } finally {
    await handle.close();
  }
}

const machine = hostname()
  .replace(/[^A-Za-z0-9]/g, '')
  .slice(0, 24);
let written = 0;

/** How the temporary files of `target` start. Long names are cut: a file name has at most 255 bytes. */
function temporaryPrefix(target: string): string {
  return `.${basename(target).slice(0, 48)}.${machine}-`;
}

async function createTemporary(target: string): Promise<[FileHandle, string]> {
  for (;;) {
    const name = `${temporaryPrefix(target)}${process.pid}-${threadId}-${written++}.tmp`;
    const temporary = join(dirname(target), name);
    try {
      return [await open(temporary, 'wx'), temporary];
    } catch (error) {
      // A process with our id was killed while it wrote: take the next number.
      if (systemCode(error) !== 'EEXIST') return fileOperation('write', target, Promise.reject(error));
    }
  }
}

/** Removes what killed writers of `target` left behind, recognised by the process id in its name. */
async function removeStale(target: string): Promise<void> {
  const folder = dirname(target);
  const prefix = temporaryPrefix(target);
  for (const name of await fileOperation('list', folder, readdir(folder))) {
    if (!name.startsWith(prefix)) continue;
    const pid = /^(\d+)-\d+-\d+\.tmp$/.exec(name.slice(prefix.length))?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs as another user.
    return systemCode(error) !== 'ESRCH';
  }
}
