// The root npm scripts: everything starts here, so that Node and npm are all a machine needs.
// npm fetches pnpm into its own cache, pnpm installs the workspace, turbo builds what changed.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, recentNode } from './runtimes.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [target = '', ...args] = process.argv.slice(2);

const env = {
  ...process.env,
  PATH: join(root, 'node_modules', '.bin') + delimiter + process.env.PATH,
  // How a user of this repository calls the command line, for the commands that it suggests.
  PROJ_COMMAND: 'npm run proj --',
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
};

// Ctrl-C reaches the whole process group; what runs below ends in its own time, with a checkpoint perhaps.
process.on('SIGINT', () => {});

/** Runs a command to its end; a failure ends this process with the command's exit code. */
function run(command, commandArgs, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, commandArgs, {
      cwd: root,
      stdio: 'inherit',
      env,
      shell: process.platform === 'win32',
      ...options,
    });
    child.on('error', reject);
    child.on('close', (status) => (status === 0 ? resolve() : process.exit(status ?? 130)));
  });
}

/** What prepares a command's run prints to stderr, so that stdout is the command's alone. */
const prepare = (command, commandArgs) => run(command, commandArgs, { stdio: ['inherit', 2, 2] });

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(
      `Node ${process.versions.node} is too old: this repository needs ${manifest.engines.node}.`,
    );
    process.exit(1);
  }
}

async function install() {
  const marker = join(root, 'node_modules', '.modules.yaml');
  const lockfile = join(root, 'pnpm-lock.yaml');
  if (existsSync(marker) && statSync(marker).mtimeMs >= statSync(lockfile).mtimeMs) return;
  const pnpm = ['exec', '--yes', `--package=${manifest.packageManager}`, '--', 'pnpm'];
  await prepare('npm', [...pnpm, 'install', '--frozen-lockfile']);
}

const build = (...filters) =>
  prepare('turbo', [
    'run',
    'build',
    '--output-logs=errors-only',
    ...filters.map((name) => `--filter=${name}`),
  ]);

async function check() {
  await run('biome', ['check', '.']);
  await run('tsc', ['-p', '.']);
  await run('turbo', ['run', 'typecheck', 'publint', 'attw', '--output-logs=errors-only']);
  await run('knip', []);
}

/** Builds an app and runs it where the user stands. */
async function app(name, file, ...appArgs) {
  await build(`@proj/${name}`);
  await run('node', [join(root, file), ...appArgs], { cwd: process.env.INIT_CWD ?? process.cwd() });
}

const targets = {
  build: () => build(),
  async check() {
    await build();
    await check();
  },
  format: () => run('biome', ['check', '--write', '.']),
  async test() {
    await build();
    await check();
    await run('vitest', ['run', ...args]);
  },
  async 'test:node24'() {
    const bin = await recentNode(join(root, '.cache'), (npmArgs) => prepare('npm', npmArgs));
    await build('@proj/ops', '@proj/wasm-kernels', '@proj/trainer');
    const there = { env: { ...env, PATH: bin + delimiter + env.PATH } };
    await run('node', ['--version'], there);
    const reference = 'apps/bench/test/ofq.test.ts';
    const all = ['packages/ops/', 'packages/wasm-kernels/', 'packages/trainer/', reference];
    await run('vitest', ['run', ...(args.length > 0 ? args : all)], there);
    if (args.length > 0 || process.arch !== 'x64') return;
    const wide = ['packages/wasm-kernels/', 'packages/ops/', reference];
    await run('vitest', ['run', '--config', 'vitest.wide.config.ts', ...wide], there);
  },
  async 'test:chromium'() {
    const there = { env: { ...env, CHROMIUM: chromium() } };
    await build('@proj/ops', '@proj/wasm-kernels');
    await run('vitest', ['run', '--config', 'vitest.browser.config.ts', ...args], there);
  },
  demo: () => app('bench', 'apps/bench/dist/main.js', 'demo', ...args),
  bench: () => app('bench', 'apps/bench/dist/main.js', ...args),
  proj: () => app('cli', 'apps/cli/dist/main.js', ...args),
  'fixtures:ofq': () => app('bench', 'apps/bench/dist/ofq/main.js', ...args),
  'fixtures:rws': () => app('corruptions', 'packages/corruptions/dist/fixtures.js', ...args),
};

requireNode();
if (!Object.hasOwn(targets, target)) {
  console.error(`Unknown target "${target}". Known: ${Object.keys(targets).join(', ')}.`);
  process.exit(2);
}
await install();
await targets[target]();
