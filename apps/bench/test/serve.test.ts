import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PageResults } from '../src/page/measure.ts';
import { until, workplace } from './bench-process.ts';
import { chromiumPath } from './chromium.ts';

const { start, folder, bench } = workplace();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const executablePath = chromiumPath();

/** `bench serve` on a free port, with what it says of itself. */
async function serve(...args: readonly string[]) {
  const { child, ended, text } = start(['serve', '--port', '0', '--json', '--store', 'store', ...args]);
  const line = await until(() => /^.*\n/.exec(text.stdout)?.[0]);
  const { schema, url } = JSON.parse(line) as { schema: string; url: string };
  expect(schema).toBe('proj.bench.serve/1');
  return {
    url,
    text,
    async end() {
      child.kill('SIGINT');
      return ended;
    },
  };
}

describe('bench serve', () => {
  it('serves the page and the reports of the store on loopback alone, until Ctrl-C', async () => {
    const reports = join(folder, 'store', 'reports', 'walk <b>');
    await mkdir(reports, { recursive: true });
    await writeFile(join(reports, 'index.html'), '<!doctype html><title>a report</title>');
    const { url, text, end } = await serve();
    expect(new URL(url).hostname).toBe('127.0.0.1');
    expect(text.stderr).not.toContain('Whoever');
    const page = await fetch(url);
    expect(await page.text()).toContain('Kernels in this browser');
    expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    const list = await (await fetch(`${url}/reports/`)).text();
    expect(list).toContain('walk &lt;b&gt;');
    const [, link] = /href="(\.\/walk[^"]*)"/.exec(list)!;
    expect(await (await fetch(new URL(link!, `${url}/reports/`))).text()).toContain('a report');
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
    expect(await end()).toMatchObject({ code: 0 });
    await expect(fetch(url)).rejects.toThrow();
  });

  it('warns where others can reach it, and says what keeps it from listening', async () => {
    const { url, text, end } = await serve('--host', '0.0.0.0');
    expect(text.stderr).toContain('Whoever reaches this machine at http://');
    const { port } = new URL(url);
    const second = await bench(['serve', '--port', port]);
    expect(second.code).not.toBe(0);
    expect(second.stderr).toContain(`port ${port}`);
    expect(second.stderr).toContain('--port');
    await end();
  });
});

it('Chromium is there where it must be', () => {
  expect(executablePath !== undefined || process.env['PROJ_REQUIRE_CHROMIUM'] !== '1').toBe(true);
});

describe.skipIf(executablePath === undefined)('in Chromium, its page', () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof serve>>;
  const complaints: string[] = [];

  beforeAll(async () => {
    // An address of another machine, as browsers see it: no page there is trusted or isolated.
    const elsewhere = '--host-resolver-rules=MAP phone.test 127.0.0.1';
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', elsewhere] });
    server = await serve();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.end();
  });

  async function opened(host = '127.0.0.1', options: BrowserContextOptions = {}): Promise<Page> {
    const url = server.url.replace('127.0.0.1', host);
    const context = await browser.newContext(options);
    const page = await context.newPage();
    complaints.length = 0;
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    context.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url))
        complaints.push(request.url());
    });
    await page.goto(url);
    return page;
  }

  const finish = (page: Page) => page.getByText(/^Done in /).waitFor({ timeout: 240_000 });

  async function downloaded(page: Page): Promise<PageResults> {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download JSON' }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^kernels-.*\.json$/);
    return JSON.parse(await readFile(await download.path(), 'utf8')) as PageResults;
  }

  async function expectAccessible(page: Page): Promise<void> {
    const { violations } = (await page.evaluate(`${axe}; axe.run()`)) as AxeResults;
    expect(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])).toEqual([]);
  }

  /** Of every cell a time, whose absence says why; engines agree, or cells would say that they do not. */
  function expectTimes({ schema, groups, rounds, quick }: PageResults, names: readonly string[]): void {
    expect(schema).toBe('proj.bench.kernels/1');
    expect([rounds, quick]).toEqual([3, true]);
    expect(groups.map(({ name }) => name)).toEqual(names);
    for (const { name, columns, rows } of groups) {
      expect(columns.slice(0, 3)).toEqual(['stock', 'reproducible', 'relaxed']);
      for (const row of rows) {
        expect(Object.keys(row.cells).sort(), name).toEqual([...columns].sort());
        for (const [column, cell] of Object.entries(row.cells)) {
          expect(cell, `${name}: ${row.name}, ${column}`).toMatchObject({ seconds: expect.anything() });
          if ('seconds' in cell) expect(cell.seconds.median).toBeGreaterThan(0);
        }
      }
    }
  }

  it('measures every group on every engine, isolated from other pages, and gives tables and JSON', {
    timeout: 300_000,
  }, async () => {
    const page = await opened('127.0.0.1', { viewport: { width: 1280, height: 900 } });
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('progressbar').waitFor();
    await page.getByText(/%, .* left/).waitFor();
    await finish(page);
    const results = await downloaded(page);
    expectTimes(results, ['products', 'fused', 'inference', 'training']);
    expect(results.device).toMatchObject({ crossOriginIsolated: true, relaxedSimd: true });
    expect(results.engines.relaxed).toContain('relaxed, on tfjs-wasm');
    expect(await page.getByRole('table').count()).toBe(4);
    await page.getByRole('row', { name: /DeiT-T fc1.*\d+\.\d+x/ }).waitFor();
    expect(await page.getByText('Empty cells').count()).toBe(0);
    await expectAccessible(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await expectAccessible(page);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('measures on a phone that loads it from another machine, and fits its screen', {
    timeout: 300_000,
  }, async () => {
    const page = await opened('phone.test', { viewport: { width: 320, height: 640 } });
    const fits = () => page.evaluate('document.documentElement.scrollWidth <= innerWidth');
    expect(await fits()).toBe(true);
    for (const name of [/Fused/, /DeiT/, /Training/]) await page.getByRole('checkbox', { name }).uncheck();
    await page.getByRole('button', { name: 'Start' }).press('Enter');
    await finish(page);
    expect(await fits()).toBe(true);
    await expectAccessible(page);
    const results = await downloaded(page);
    expectTimes(results, ['products']);
    expect(results.device.crossOriginIsolated).toBe(false);
    await page.getByRole('button', { name: 'Copy as Markdown' }).click();
    await page.getByText('Copied.').waitFor();
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement('textarea'), { id: 'pasted' }))`,
    );
    await page.locator('#pasted').press('Control+V');
    expect(await page.locator('#pasted').inputValue()).toMatch(/\| DeiT-T fc1: x Wᵀ .*\d+\.\d+x \|/);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('stops when it is told to, keeps the rows that were done, and starts again', {
    timeout: 120_000,
  }, async () => {
    const page = await opened();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('row', { name: /512³/ }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    expect(await page.getByRole('row', { name: /512³/ }).count()).toBe(1);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('Measuring.').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    for (const name of [/products/, /Fused/, /DeiT/, /Training/])
      await page.getByRole('checkbox', { name }).uncheck();
    expect(await page.getByRole('button', { name: 'Start' }).isDisabled()).toBe(true);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
