// The root npm scripts: everything starts here, so that Node and npm are all a machine needs.
// npm installs pnpm into its own cache, pnpm installs the workspace, turbo builds what changed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [target = 'help', ...args] = process.argv.slice(2);
const userDirectory = process.env.INIT_CWD ?? process.cwd();

const env = {
  ...process.env,
  PATH: join(root, 'node_modules', '.bin') + delimiter + process.env.PATH,
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
};

function run(command, commandArgs, options = {}) {
  const { status, signal, error } = spawnSync(command, commandArgs, {
    cwd: root,
    stdio: 'inherit',
    env,
    shell: process.platform === 'win32',
    ...options,
  });
  if (error) throw error;
  if (signal) process.kill(process.pid, signal);
  if (status !== 0) process.exit(status ?? 1);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(
      `Node ${process.versions.node} is too old: this repository needs ${manifest.engines.node}.`,
    );
    process.exit(1);
  }
}

function install() {
  const marker = join(root, 'node_modules', '.modules.yaml');
  const lockfile = join(root, 'pnpm-lock.yaml');
  if (existsSync(marker) && statSync(marker).mtimeMs >= statSync(lockfile).mtimeMs) return;
  run('npm', [
    'exec',
    '--yes',
    `--package=${manifest.packageManager}`,
    '--',
    'pnpm',
    'install',
    '--frozen-lockfile',
  ]);
}

const build = (...filters) =>
  run('turbo', ['run', 'build', '--output-logs=errors-only', ...filters.map((name) => `--filter=${name}`)]);

function check() {
  run('biome', ['check', '.']);
  run('turbo', ['run', 'typecheck', 'publint', 'attw', '--output-logs=errors-only']);
  run('knip', []);
}

const runApp = (file, ...appArgs) => run('node', [join(root, file), ...appArgs], { cwd: userDirectory });

const targets = {
  build: () => build(),
  check: () => {
    build();
    check();
  },
  format: () => run('biome', ['check', '--write', '.']),
  test() {
    build();
    check();
    run('vitest', ['run', ...args]);
  },
  demo() {
    build('@proj/bench');
    runApp('apps/bench/dist/main.js', 'demo', ...args);
  },
  bench() {
    build('@proj/bench');
    runApp('apps/bench/dist/main.js', ...args);
  },
  proj() {
    if (!existsSync(join(root, 'apps/cli/dist/main.js'))) build('@proj/cli');
    runApp('apps/cli/dist/main.js', ...args);
  },
  'fixtures:ofq'() {
    build('@proj/bench');
    runApp('apps/bench/dist/fixtures-ofq.js', ...args);
  },
  'fixtures:rws'() {
    build('@proj/corruptions');
    runApp('packages/corruptions/dist/fixtures.js', ...args);
  },
};

requireNode();
if (!Object.hasOwn(targets, target)) {
  console.error(`Unknown target "${target}". Known: ${Object.keys(targets).join(', ')}.`);
  process.exit(2);
}
install();
targets[target]();
