import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import express, { type Express, type RequestHandler } from 'express';
import { BenchError } from '../error.ts';
import { html, raw } from '../report/markup.ts';
import { style } from '../report/style.ts';
import { Store } from '../runner/store.ts';
import { interruption } from './interruption.ts';
import { integerOption, jsonOption, storeOption } from './options.ts';

const examples = `
Examples:
  npm run bench -- serve                                     # http://127.0.0.1:8330
  npm run bench -- serve --host 0.0.0.0                      # for a phone in the same network
  npm run bench -- serve --queue redis://127.0.0.1:6379      # the queue's jobs, under /queues`;

interface Options {
  readonly port: number;
  readonly host: string;
  readonly queue?: string;
  readonly store: string;
  readonly json?: boolean;
}

export const serveCommand = (): Command =>
  new Command('serve')
    .description('serve a page that measures speed in a browser, and the reports, until Ctrl-C')
    .option('--port <number>', 'where to listen; 0 takes a free one', integerOption(0), 8330)
    .option('--host <address>', 'which of this machine’s addresses to listen at', '127.0.0.1')
    .option('--queue <url>', 'show the jobs of this Redis queue, e.g. redis://host:6379')
    .addOption(storeOption())
    .addOption(jsonOption())
    .addHelpText('after', examples)
    .action(serve);

async function serve({ port, host, queue, store, json }: Options): Promise<void> {
  const signal = interruption();
  const app = express();
  app.disable('x-powered-by');
  const board =
    queue === undefined
      ? undefined
      : await (await import('../queue/dashboard.ts')).dashboard(queue, '/queues');
  if (board !== undefined) app.use('/queues', board.router);
  addReports(app, new Store(store));
  addPage(app);
  const server = createServer(app);
  try {
    const bound = await listen(server, port, host);
    announce(host, bound, json === true, board !== undefined);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  } finally {
    server.close();
    server.closeAllConnections();
    await board?.close();
  }
}

function listen(server: ReturnType<typeof createServer>, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new BenchError(
          'BENCH_ADDRESS',
          `cannot listen at ${host}, port ${port}: ${error.message}; choose others with --host and --port.`,
        ),
      ),
    );
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

const loopback = /^(127\.[\d.]+|\[?::1\]?|localhost)$/;
const everywhere: readonly string[] = ['0.0.0.0', '::'];

function announce(host: string, port: number, json: boolean, queues: boolean): void {
  const at = (address: string) => `http://${isIPv6(address) ? `[${address}]` : address}:${port}`;
  // Who listens everywhere is reached here by loopback, and from elsewhere at the machine's addresses.
  const url = at(everywhere.includes(host) ? '127.0.0.1' : host);
  const others = everywhere.includes(host) ? outsideAddresses().map(at) : [];
  if (!loopback.test(host)) {
    process.stderr.write(
      `Whoever reaches this machine at ${[...others, ...(others.length === 0 ? [url] : [])].join(', ')} sees the page${queues ? ', the queue' : ''} and the reports.\n`,
    );
  }
  if (json) process.stdout.write(`${JSON.stringify({ schema: 'proj.bench.serve/1', url, others })}\n`);
  else process.stdout.write(`${url}\n`);
  process.stderr.write(
    `Speed in a browser: ${url}/, reports: ${url}/reports/${queues ? `, queue: ${url}/queues/` : ''}. Ctrl-C ends it.\n`,
  );
}

const outsideAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address);

/** A page loads nothing but what lies beside it; where browsers let it be isolated from others, its clock is fine. */
const alone: RequestHandler = (request, response, next) => {
  // Browsers complain about it over plain HTTP from another machine.
  if (loopback.test(request.hostname)) {
    response.set({
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    });
  }
  response.set({
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Content-Security-Policy':
      "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
  });
  next();
};

function addPage(app: Express): void {
  app.use(alone, express.static(fileURLToPath(new URL('../page', import.meta.url))));
}

function addReports(app: Express, store: Store): void {
  const folder = join(store.root, 'reports');
  app.get('/reports/', async (_request, response) => {
    response.send(reportList(await readdir(folder).catch(() => [] as string[])));
  });
  app.use('/reports', express.static(folder));
}

const reportList = (names: readonly string[]): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reports</title>
<style>${raw(style)}</style>
</head>
<body>
<main>
<h1>Reports</h1>
${
  names.length === 0
    ? html`<p>There is none in this store yet; <code>npm run bench -- run rws-smoke</code> makes one.</p>`
    : html`<ul>${[...names].sort().map((name) => html`<li><a href="./${encodeURIComponent(name)}/">${name}</a></li>`)}</ul>`
}
<p><a href="../">Speed in this browser</a></p>
</main>
</body>
</html>
`.text;
