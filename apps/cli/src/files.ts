import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CliError, codeOf, exitCode, exitCodeOf } from './exit.ts';

/** A whole input file. */
export async function readInput(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw new CliError(
      'CLI_CANNOT_READ',
      exitCodeOf(error),
      `cannot read ${file}: ${(error as Error).message}.`,
    );
  }
}

/** Nothing is overwritten without --force, and a folder never. `instead` says what else one may want to do with what is there. */
export async function requireAbsent(file: string, force: boolean | undefined, instead = ''): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there?.isDirectory()) throw cannotCreate('CLI_NOT_A_FILE', `${file} is a folder; name a file.`);
  if (there !== undefined && force !== true) {
    throw cannotCreate('CLI_EXISTS', `${file} exists; pass --force to replace it.${instead}`);
  }
}

/** For what several runs write into one folder: the file that is there must be the one that is to be written. */
export async function requireSame(file: string, bytes: Uint8Array): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  if (there === undefined || Buffer.from(bytes).equals(await readInput(file))) return;
  throw cannotCreate('CLI_EXISTS', `${file} belongs to other images; choose another folder.`);
}

/** Refuses, before any work, a file that could not be written after it. */
export async function requireWritable(file: string, force: boolean | undefined): Promise<void> {
  await requireAbsent(file, force);
  const folder = dirname(file);
  const there = await stat(folder).catch(() => undefined);
  if (there?.isDirectory() !== true) {
    throw cannotCreate('CLI_NO_FOLDER', `cannot create ${file}: there is no folder ${folder}.`);
  }
  await writing(access(folder, constants.W_OK));
}

/** The folder that results go to, made where it is not there; one that cannot be written into is refused before any work. */
export async function makeFolder(folder: string): Promise<void> {
  await writing(mkdir(folder, { recursive: true }));
  // By trying: permissions are not all that can stand in the way.
  await writing(mkdtemp(join(folder, '.proj-')).then(rmdir));
}

/** Awaits the writing of a file: what would be a missing input elsewhere is an output here that cannot be created. */
export async function writing<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    if (exitCodeOf(error) !== exitCode.noInput) throw error;
    throw cannotCreate(codeOf(error)!, (error as Error).message);
  }
}

const cannotCreate = (code: string, message: string): CliError =>
  new CliError(code, exitCode.cannotCreate, message);
