import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { init, parse } from 'es-module-lexer';
import { configure } from 'safe-stable-stringify';
import type { Task } from '../experiment.ts';

await init;

/** JSON with sorted keys; what JSON cannot say is refused. */
export const canonicalJson = configure({ strict: true }) as (value: unknown) => string;

export const sha256Of = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

const versions = new Map<string, string>();

/**
 * The hash of everything that a task runs: its file, the files which that imports, the built files of the workspace's packages among
 * them, and name and version of all other packages.
 */
export function codeVersion({ module, programs = [] }: Pick<Task, 'module' | 'programs'>): string {
  const key = [module, ...programs].join(' ');
  const known = versions.get(key);
  if (known !== undefined) return known;
  const parts: string[] = [];
  const seen = new Map<string, number>();
  for (const url of [module, ...programs]) addFile(fileURLToPath(url), parts, seen);
  const version = sha256Of(parts.join('\n'));
  versions.set(key, version);
  return version;
}

/** Files go by where they are imported, not by their paths: the same code has the same version wherever it lies. */
function addFile(path: string, parts: string[], seen: Map<string, number>): void {
  if (isSeen(path, parts, seen)) return;
  const source = readFileSync(path, 'utf8');
  parts.push(`file ${sha256Of(source)}`);
  // A program in another language.
  if (!/\.[cm]?[jt]s$/.test(path)) return;
  const [imports] = parse(source, path);
  for (const { specifier } of imports) {
    // Absent for import.meta, and where the specifier of a dynamic import is computed.
    if (!specifier || specifier.startsWith('node:')) continue;
    if (specifier.startsWith('.'))
      addFile(fileURLToPath(new URL(specifier, pathToFileURL(path))), parts, seen);
    else addPackage(specifier, dirname(path), parts, seen);
  }
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function isSeen(path: string, parts: string[], seen: Map<string, number>): boolean {
  const number = seen.get(path);
  if (number === undefined) seen.set(path, seen.size);
  else parts.push(`again ${number}`);
  return number !== undefined;
}

function addPackage(specifier: string, from: string, parts: string[], seen: Map<string, number>): void {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const folder = packageFolder(name, from);
  if (folder === undefined || isSeen(folder, parts, seen)) return;
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  if (!name.startsWith('@proj/')) {
    parts.push(`package ${manifest.name}@${manifest.version}`);
    return;
  }
  const built = join(folder, 'dist');
  for (const file of builtFiles(built))
    parts.push(`${name} ${relative(built, file)} ${sha256Of(readFileSync(file))}`);
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).sort())
    addPackage(dependency, folder, parts, seen);
}

function packageFolder(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/** What Node runs of a package: neither type declarations nor source maps. */
function builtFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(js|wasm|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
