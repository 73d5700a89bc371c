import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { init, parse } from 'es-module-lexer';
import { expect, it } from 'vitest';

/** What is loaded with a file, before anything is asked for. */
async function packagesOf(start: URL): Promise<Set<string>> {
  await init;
  const packages = new Set<string>();
  const seen = new Set<string>();
  const follow = (url: URL) => {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    const [imports] = parse(readFileSync(fileURLToPath(url), 'utf8'));
    for (const { specifier, type } of imports) {
      if ((type !== 'static' && type !== 'reexport-star') || specifier === undefined) continue;
      if (specifier.startsWith('.')) follow(new URL(specifier, url));
      else packages.add(specifier);
    }
  };
  follow(start);
  return packages;
}

const queue = /^(bullmq|ioredis|@bull-board\/.*)$/;
const built = (path: string) => new URL(`../dist/${path}`, import.meta.url);

it('nothing of the queue is loaded by who does not use it', async () => {
  const packages = [...(await packagesOf(built('main.js')))];
  expect(packages).toContain('commander');
  expect(packages.filter((name) => queue.test(name))).toEqual([]);
  // The same look finds them where they are.
  expect(existsSync(built('queue/run.js'))).toBe(true);
  expect([...(await packagesOf(built('queue/run.js')))].filter((name) => queue.test(name))).toEqual(
    expect.arrayContaining(['bullmq', 'ioredis']),
  );
});
