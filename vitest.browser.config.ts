// The tests of ops and wasm-kernels in headless Chromium: `npm run test:chromium`, which sets CHROMIUM.
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';

/** They start Node processes, or need tfjs-core as Node imports it, without its gradients. */
const needNode = [
  'packages/ops/src/gradients.test.ts',
  'packages/ops/src/own-gradients.test.ts',
  'packages/wasm-kernels/src/install.test.ts',
];
const golden = 'packages/trainer/test/golden.test.ts';
const isolated = '**/*.isolated.browser.test.ts';

/** Runs the files of `include`, each in a page of its own. */
const pages = (name: string, include: string[], exclude: string[], headers: Record<string, string>) => ({
  resolve: { conditions: ['@proj/source', 'module', 'browser', 'development|production'] },
  // What a test newly imports would otherwise be found in mid-run and reload the page.
  optimizeDeps: { force: true },
  server: { headers },
  test: {
    name,
    include,
    exclude,
    setupFiles: ['packages/wasm-kernels/test/wasm-paths.ts'],
    testTimeout: 60_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: process.env['CHROMIUM'] ?? 'chromium',
          // WebGL in software, for machines without a GPU.
          args: ['--enable-unsafe-swiftshader'],
        },
      }),
      instances: [{ browser: 'chromium' as const }],
    },
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default', './scripts/vitest-reporter.ts'],
    projects: [
      pages(
        'page',
        ['packages/{ops,wasm-kernels}/{src,test}/**/*.test.ts', golden],
        [...needNode, isolated],
        {},
      ),
      // Where tfjs-wasm takes its threaded build, on a shared memory.
      pages('isolated page', ['packages/wasm-kernels/{src,test}/**/*.test.ts', golden], needNode, {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      }),
    ],
  },
});
