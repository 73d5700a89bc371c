import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const run = promisify(execFile);
const workspace = fileURLToPath(new URL('../../..', import.meta.url));
const folders = ['packages', 'apps'].flatMap((part) =>
  readdirSync(join(workspace, part))
    .map((name) => join(workspace, part, name))
    .filter((folder) => existsSync(join(folder, 'package.json'))),
);
const manifests = new Map(
  folders.map((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    return [manifest.name, { folder, manifest }] as const;
  }),
);
const published = [...manifests.values()].filter(({ manifest }) => manifest.private !== true);

/** The package and what it depends on within the workspace, directly or not. */
function closure(name: string, found = new Set<string>()): Set<string> {
  found.add(name);
  const { dependencies = {}, peerDependencies = {} } = manifests.get(name)!.manifest;
  for (const other of Object.keys({ ...dependencies, ...peerDependencies })) {
    if (manifests.has(other) && !found.has(other)) closure(other, found);
  }
  return found;
}

describe('every package, packed and installed alone', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'proj-consume-'));
  const tarballs = new Map<string, string>();

  beforeAll(async () => {
    for (const { folder, manifest } of published) {
      const { stdout } = await run('pnpm', ['pack', '--json', '--pack-destination', scratch], {
        cwd: folder,
      });
      tarballs.set(manifest.name, (JSON.parse(stdout) as { filename: string }).filename);
    }
  }, 180_000);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  for (const { folder, manifest } of published) {
    const { name } = manifest;

    it(`${name} imports in plain Node, and its README examples run`, { timeout: 180_000 }, async () => {
      const home = mkdtempSync(join(scratch, 'home-'));
      writeFileSync(join(home, 'package.json'), '{"name":"stranger","private":true,"type":"module"}');
      const readme = readFileSync(join(folder, 'README.md'), 'utf8');
      const asked = installLine(readme).map((wanted) => tarballs.get(wanted) ?? wanted);
      // The registry does not know what is not published yet, so the tarballs of the dependencies come along.
      const needed = [...closure(name)].map((other) => tarballs.get(other)!);
      const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
      await run('npm', ['install', ...options, ...new Set([...asked, ...needed])], { cwd: home });
      const allowed = new Set(
        installLine(readme)
          .filter((wanted) => manifests.has(wanted))
          .flatMap((wanted) => [...closure(wanted)]),
      );
      const installed = readdirSync(join(home, 'node_modules', '@proj')).map((other) => `@proj/${other}`);
      expect(new Set(installed), 'installs nothing of this workspace that it does not need').toEqual(allowed);

      const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)];
      for (const command of Object.keys(manifest.bin ?? {})) {
        const { stdout } = await run(join(home, 'node_modules', '.bin', command), ['--help'], { cwd: home });
        expect(stdout).toContain(`Usage: ${command}`);
      }
      expect(examples.length > 0 || manifest.bin !== undefined, `${name} shows an example`).toBe(true);
      for (const [i, [, code]] of examples.entries()) await script(home, `example-${i}.mjs`, code!);

      const optional = optionalPeers(manifest);
      if (optional.length > 0) await run('npm', ['install', ...options, ...optional], { cwd: home });
      const entries = Object.keys(manifest.exports ?? {}).filter((entry) => entry !== './package.json');
      const imports = entries.map((entry) => `await import('${name}${entry.slice(1)}');`);
      await script(home, 'imports.mjs', imports.join('\n'));
    });
  }
});

/** Some entries need them; the root entry and the examples do not. */
function optionalPeers({ peerDependencies = {}, peerDependenciesMeta = {} }: Manifest): string[] {
  return Object.entries(peerDependencies)
    .filter(([peer]) => peerDependenciesMeta[peer]?.optional === true)
    .map(([peer, range]) => `${peer}@${range}`);
}

/** What the README's first `npm install` names. */
function installLine(readme: string): string[] {
  const line = /^npm install ([^#\n]+)/m.exec(readme)?.[1];
  if (line === undefined) throw new Error('the README has no line "npm install ..."');
  return line
    .trim()
    .split(/\s+/)
    .filter((word) => !word.startsWith('-'));
}

/** Runs a module in `home` and compares the lines it prints with its `// =>` comments. */
async function script(home: string, file: string, code: string): Promise<void> {
  writeFileSync(join(home, file), code);
  const { stdout } = await run(process.execPath, [file], { cwd: home });
  const promised = [...code.matchAll(/\/\/ => (.*)$/gm)].map(([, text]) => text!.trim());
  for (const text of promised) expect(stdout, `${file} prints what its comments promise`).toContain(text);
}
