import { access } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cifarCFromNpy, type ImageDataset } from '@proj/datasets';
import { CliError, exitCode, usageError } from './exit.ts';
import { readInput } from './files.ts';

/** The files of a folder of corrupted arrays that all corruptions share; CIFAR-10-C has no class names. */
export const sharedFiles = { labels: 'labels.npy', classes: 'classes.json' } as const;

/** One severity of an array as CIFAR-10-C and `proj corrupt` store it: NAME.npy@3. */
export async function openCorruptedArray(spec: string): Promise<ImageDataset> {
  const [, file, severity] = /^(.+\.npy)(?:@(.*))?$/.exec(spec) as unknown as [string, string, string?];
  if (severity === undefined || !/^[1-5]$/.test(severity)) {
    throw usageError(`--data ${spec}: give the severity behind it, 1 to 5, as in ${basename(file)}@5.`);
  }
  const folder = dirname(file);
  const images = await readInput(file);
  const labels = await readInput(join(folder, sharedFiles.labels));
  const classNames = await readClassNames(join(folder, sharedFiles.classes));
  return cifarCFromNpy(images, labels, {
    name: basename(file, '.npy'),
    severity: Number(severity) as 1 | 2 | 3 | 4 | 5,
    ...(classNames && { classNames }),
  });
}

async function readClassNames(file: string): Promise<string[] | undefined> {
  const there = await access(file).then(
    () => true,
    () => false,
  );
  if (!there) return undefined;
  const names = parse(new TextDecoder().decode(await readInput(file)));
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw new CliError('CLI_BAD_CLASSES', exitCode.data, `${file} is no JSON list of class names.`);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
