import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
  const parts = new Set<string>();
  for (const url of [module, ...programs]) addFile(fileURLToPath(url), parts, new Set());
  const version = sha256Of([...parts].sort().join('\n'));
  versions.set(key, version);
  return version;
}

function addFile(path: string, parts: Set<string>, seen: Set<string>): void {
  if (seen.has(path)) return;
  seen.add(path);
  const source = readFileSync(path, 'utf8');
  parts.add(`file ${sha256Of(source)}`);
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
}

function addPackage(specifier: string, from: string, parts: Set<string>, seen: Set<string>): void {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const folder = packageFolder(name, from);
  if (folder === undefined || seen.has(folder)) return;
  seen.add(folder);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  if (!name.startsWith('@proj/')) {
    parts.add(`package ${manifest.name}@${manifest.version}`);
    return;
  }
  for (const file of builtFiles(join(folder, 'dist'))) parts.add(`file ${sha256Of(readFileSync(file))}`);
  for (const dependency of Object.keys(manifest.dependencies ?? {}))
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
    .map((entry) => join(entry.parentPath, entry.name));
}
