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
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const run = promisify(execFile);
const packagesFolder = fileURLToPath(new URL('../..', import.meta.url));
const folders = readdirSync(packagesFolder).filter((folder) =>
  existsSync(join(packagesFolder, folder, 'package.json')),
);
const manifests = new Map(
  folders.map((folder) => {
    const manifest = JSON.parse(
      readFileSync(join(packagesFolder, folder, 'package.json'), 'utf8'),
    ) as Manifest;
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
        cwd: join(packagesFolder, folder),
      });
      tarballs.set(manifest.name, (JSON.parse(stdout) as { filename: string }).filename);
    }
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  for (const { folder, manifest } of published) {
    const { name } = manifest;

    it(`${name} imports in plain Node, and its README examples run`, { timeout: 180_000 }, async () => {
      const home = mkdtempSync(join(scratch, 'home-'));
      writeFileSync(join(home, 'package.json'), '{"name":"stranger","private":true,"type":"module"}');
      const needed = [...closure(name)].map((other) => tarballs.get(other)!);
      const peers = [...closure(name)].flatMap((other) => requiredPeers(manifests.get(other)!.folder));
      await run(
        'npm',
        [
          'install',
          '--ignore-scripts',
          '--prefer-offline',
          '--no-audit',
          '--no-fund',
          ...needed,
          ...new Set(peers),
        ],
        {
          cwd: home,
        },
      );
      const installed = readdirSync(join(home, 'node_modules', '@proj')).map((other) => `@proj/${other}`);
      expect(new Set(installed), 'installs nothing of this workspace that it does not need').toEqual(
        closure(name),
      );

      const entries = Object.keys(manifest.exports ?? {}).filter((entry) => entry !== './package.json');
      const imports = entries.map((entry) => `await import('${name}${entry.slice(1)}');`).join('\n');
      await script(home, 'imports.mjs', withPeers(imports, folder));

      const examples = [
        ...readFileSync(join(packagesFolder, folder, 'README.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g),
      ];
      expect(examples.length, `${name} shows an example`).toBeGreaterThan(0);
      for (const [i, [, code]] of examples.entries()) await script(home, `example-${i}.mjs`, code!);
    });
  }
});

/** Peer dependencies that are not optional; what the README tells people to install beside the package. */
function requiredPeers(folder: string): string[] {
  const manifest = JSON.parse(
    readFileSync(join(packagesFolder, folder, 'package.json'), 'utf8'),
  ) as Manifest & {
    peerDependenciesMeta?: Record<string, { optional?: boolean }>;
  };
  return Object.entries(manifest.peerDependencies ?? {})
    .filter(
      ([peer]) => !peer.startsWith('@proj/') && manifest.peerDependenciesMeta?.[peer]?.optional !== true,
    )
    .map(([peer, range]) => `${peer}@${range}`);
}

/** Entries for an optional peer are left out where that peer is not installed. */
function withPeers(imports: string, folder: string): string {
  const optional = folder === 'tensor-io';
  return optional
    ? imports
        .split('\n')
        .filter((line) => !line.includes('/tfjs'))
        .join('\n')
    : imports;
}

/** Runs a module in `home` and compares the lines it prints with its `// =>` comments. */
async function script(home: string, file: string, code: string): Promise<void> {
  writeFileSync(join(home, file), code);
  const { stdout } = await run(process.execPath, [file], { cwd: home });
  const promised = [...code.matchAll(/\/\/ => (.*)$/gm)].map(([, text]) => text!.trim());
  for (const text of promised) expect(stdout, `${file} prints what its comments promise`).toContain(text);
}
