import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DatasetError } from '../errors.ts';

/**
 * The npm registry that the user has configured: `npm_config_registry` where npm has set it, else what npm itself says.
 *
 * @throws {DatasetError} `DS_TRANSFER` when npm cannot be asked.
 */
export async function configuredRegistry(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const set = env['npm_config_registry'];
  if (set !== undefined && set !== '') return set;
  try {
    const npm = await promisify(execFile)('npm', ['config', 'get', 'registry'], {
      env,
      shell: process.platform === 'win32',
    });
    return npm.stdout.trim();
  } catch (error) {
    throw new DatasetError(
      'DS_TRANSFER',
      `npm did not say which registry to use (${error instanceof Error ? error.message.trim() : String(error)}); pass registry.`,
      { cause: error },
    );
  }
}

/**
 * The address of `npm:NAME@VERSION` below a registry: where every registry keeps a package's tarball.
 *
 * @throws {DatasetError} `DS_BAD_OPTION` when the specifier names no exact version, or the registry is no http(s) address or
 * one that carries a password (which would end up in messages and in the cache).
 */
export function tarballUrl(specifier: string, registry: string): string {
  const [, name, plain, version] =
    /^npm:((?:@[\w.-]+\/)?([\w.-]+))@(\d+\.\d+\.\d+[\w.+-]*)$/.exec(specifier) ?? [];
  if (name === undefined) {
    throw new DatasetError('DS_BAD_OPTION', `${specifier} is not npm:NAME@VERSION with an exact version.`);
  }
  const address = URL.canParse(registry) ? new URL(registry) : undefined;
  if (address === undefined || !/^https?:$/.test(address.protocol)) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `${JSON.stringify(registry)} is no http(s) address of a registry.`,
    );
  }
  if (address.username !== '' || address.password !== '') {
    throw new DatasetError(
      'DS_BAD_OPTION',
      `the address of the registry ${address.host} carries a user or password; pass it without, and a fetch that signs in.`,
    );
  }
  return `${registry.replace(/\/+$/, '')}/${name}/-/${plain}-${version}.tgz`;
}
