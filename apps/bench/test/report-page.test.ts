import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Experiment } from '../src/experiment.ts';
import { writeReport } from '../src/report/index.ts';
import { Store } from '../src/runner/store.ts';
import { chromiumPath } from './chromium.ts';
import { finish, planOf, sample } from './report-sample.ts';

const executablePath = chromiumPath();

test('Chromium is there where it must be', () => {
  expect(executablePath !== undefined || process.env['PROJ_REQUIRE_CHROMIUM'] !== '1').toBe(true);
});

describe.skipIf(executablePath === undefined)('in Chromium, the page of a report', () => {
  let root: string;
  let browser: Browser;
  let store: Store;
  const plan = planOf(sample);

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'bench-page-'));
    store = new Store(join(root, 'store'));
    for (const [i, spec] of plan.jobs.slice(0, 8).entries()) await finish(store, spec, i);
    await writeReport(plan, store, sample, join(root, 'sample'));
    await writeReport(plan, store, hostile, join(root, 'hostile'));
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await rm(root, { recursive: true, force: true });
  });

  /** Opens a page from disk and fails where it asks for anything else, or complains. */
  async function opened<T>(
    options: BrowserContextOptions,
    look: (page: Page) => Promise<T>,
    name = 'sample',
  ): Promise<T> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const url = pathToFileURL(join(root, name, 'index.html')).href;
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    page.on('request', (request) => {
      if (request.url() !== url && !request.url().startsWith('data:')) complaints.push(request.url());
    });
    await page.goto(url);
    const seen = await look(page);
    expect(complaints).toEqual([]);
    await context.close();
    return seen;
  }

  const phone = { viewport: { width: 320, height: 640 } };
  const desktop = { viewport: { width: 1280, height: 900 } };
  const unfold = (page: Page) =>
    page.locator('details').evaluateAll((all) => {
      for (const details of all) (details as HTMLDetailsElement).open = true;
    });
  const width = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth);

  test.each(['sample', 'hostile'])('fits a phone, folded and unfolded: %s', (name) =>
    opened(
      phone,
      async (page) => {
        expect(await width(page)).toBe(320);
        await unfold(page);
        expect(await width(page)).toBe(320);
      },
      name,
    ),
  );

  test.each([
    ['in light', { ...desktop, colorScheme: 'light' as const }],
    ['in dark', { ...desktop, colorScheme: 'dark' as const }],
    ['on a phone', { ...phone, colorScheme: 'dark' as const }],
  ])('has nothing that axe objects to, %s', async (_, options) => {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    // The page allows no script; the test's own needs the exception.
    await opened({ ...options, bypassCSP: true }, async (page) => {
      await unfold(page);
      await page.evaluate(axe);
      const { violations, passes } = (await page.evaluate('axe.run(document)')) as AxeResults;
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
      const checked = passes.map(({ id }) => id);
      for (const rule of ['color-contrast', 'svg-img-alt', 'image-alt', 'scrollable-region-focusable'])
        expect(checked).toContain(rule);
    });
  });

  test('names its figures, and says in words what charts show', () =>
    opened(desktop, async (page) => {
      const figure = page.getByRole('figure', { name: 'Accuracy over the strength of the patch' });
      await figure.getByRole('img', { name: /fog images: 62 \(60 to 64\) at 0/ }).waitFor();
      expect(await page.getByRole('img', { name: 'a 0 in fog' }).count()).toBe(1);
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
      await page.getByRole('main').waitFor();
      await page.getByRole('navigation', { name: 'Contents' }).waitFor();
    }));

  test('is dark where the reader wants it', async () => {
    const ground = (colorScheme: 'light' | 'dark') =>
      opened({ ...desktop, colorScheme }, (page) =>
        page.evaluate(() => getComputedStyle(document.body).backgroundColor),
      );
    expect(await ground('light')).toBe('rgb(255, 255, 255)');
    expect(await ground('dark')).toBe('rgb(20, 23, 27)');
  });

  test('prints with everything unfolded, black on white', () =>
    opened({ ...desktop, colorScheme: 'dark' }, async (page) => {
      const job = page.locator('#jobs table');
      expect(await job.isVisible()).toBe(false);
      await page.emulateMedia({ media: 'print' });
      expect(await job.isVisible()).toBe(true);
      const { color, backgroundColor } = await page.evaluate(() => {
        const { color, backgroundColor } = getComputedStyle(document.body);
        return { color, backgroundColor };
      });
      expect([color, backgroundColor]).toEqual(['rgb(0, 0, 0)', 'rgb(255, 255, 255)']);
      expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-');
    }));

  test('begins with a link over the contents for the keyboard', () =>
    opened(desktop, async (page) => {
      await page.keyboard.press('Tab');
      const skip = page.getByRole('link', { name: 'Skip to the results' });
      expect(await skip.evaluate((link) => link === document.activeElement)).toBe(true);
      await page.keyboard.press('Enter');
      expect(new URL(page.url()).hash).toBe('#results');
    }));

  test('shows whatever text it is given as text', () =>
    opened(
      desktop,
      async (page) => {
        expect(await page.title()).toBe(evil);
        expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(evil);
        expect(await page.locator('script, iframe, object, [onerror], [onload]').count()).toBe(0);
        expect(await page.locator('h2').allTextContents()).toEqual([
          '1 of 9 jobs not done: 1 missing',
          ...hostileKinds.map(() => evil),
          'Where the numbers come from',
        ]);
        expect(await page.locator('td').allTextContents()).toContain(evil);
        expect(await page.locator('figcaption').first().textContent()).toContain(evil);
        const named = await page
          .locator('svg')
          .evaluateAll((all) => all.map((svg) => svg.getAttribute('aria-label')!));
        expect(named).toHaveLength(2);
        for (const name of named) expect(name.startsWith(evil)).toBe(true);
        const drawn = await page.locator('svg text').allTextContents();
        expect(drawn.filter((text) => text === evil).length).toBeGreaterThanOrEqual(4);
      },
      'hostile',
    ));
});

const evil = `</title></style><script>alert(1)</script><img src=x onerror="alert(2)"> $& $' ' id="x" | \`b\` <!-- 漢`;
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==';
const titled = { title: evil, note: evil };
const hostileKinds = [
  { ...titled, kind: 'text', text: [evil] },
  { ...titled, kind: 'table', head: [evil, 'b'], rows: [['a', evil]] },
  {
    ...titled,
    kind: 'lines',
    x: evil,
    y: evil,
    series: ['1', evil].map((name, i) => ({
      name,
      points: [
        { x: 0, y: i, low: -1, high: 2 },
        { x: 1, y: 1 },
      ],
    })),
  },
  { ...titled, kind: 'heat-map', value: evil, columns: [evil], rows: [{ name: evil, values: [1] }] },
  { ...titled, kind: 'images', width: 84, images: [{ png, alt: evil, caption: [{ text: evil }] }] },
  {
    ...titled,
    kind: 'published',
    rows: [{ what: evil, published: evil, source: evil, ours: evil, difference: evil }],
  },
] as const;
const hostile = { ...sample, title: evil, about: evil, report: () => hostileKinds } as unknown as Experiment;
