import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configuredRegistry, tarballUrl } from './registry.ts';

describe('the npm registry', () => {
  it('is the one that npm has put into the environment', async () => {
    expect(await configuredRegistry({ npm_config_registry: 'https://registry.example/' })).toBe(
      'https://registry.example/',
    );
  });

  it('is otherwise the one that the user has configured', async () => {
    const home = await mkdtemp(join(tmpdir(), 'proj-npm-'));
    await writeFile(join(home, 'npmrc'), 'registry=https://mirror.example/npm/\n');
    const env = { PATH: process.env['PATH'], HOME: home, npm_config_userconfig: join(home, 'npmrc') };
    expect(await configuredRegistry(env)).toBe('https://mirror.example/npm/');
    await rm(home, { recursive: true });
  });

  it('must be passed in where there is no npm to ask', async () => {
    await expect(configuredRegistry({ PATH: '/nowhere' })).rejects.toMatchObject({
      code: 'DS_TRANSFER',
      message: expect.stringMatching(/npm did not say .*; pass registry/),
    });
  });

  it('keeps tarballs where every registry does, scoped names included', () => {
    expect(tarballUrl('npm:a-b@1.2.3', 'https://r.example/npm//')).toBe(
      'https://r.example/npm/a-b/-/a-b-1.2.3.tgz',
    );
    expect(tarballUrl('npm:@s/a@1.0.0-rc.1', 'https://r.example')).toBe(
      'https://r.example/@s/a/-/a-1.0.0-rc.1.tgz',
    );
    for (const wrong of ['npm:a', 'npm:a@latest', 'npm:a@^1.0.0', 'npm:../x@1.0.0', 'a@1.0.0']) {
      expect(() => tarballUrl(wrong, 'https://r.example'), wrong).toThrow('is not npm:NAME@VERSION');
    }
  });

  it('is refused when it is no web address, or carries a password, which is not repeated', () => {
    for (const wrong of ['undefined', '', 'file:///npm']) {
      expect(() => tarballUrl('npm:a@1.0.0', wrong)).toThrow('is no http(s) address of a registry');
    }
    let message = '';
    try {
      tarballUrl('npm:a@1.0.0', 'https://user:s3cret@r.example/npm/');
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('the registry r.example carries a user or password');
    expect(message).not.toContain('s3cret');
  });
});
