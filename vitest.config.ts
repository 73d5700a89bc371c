import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@proj/source'] },
  ssr: { resolve: { conditions: ['@proj/source'] } },
  test: {
    include: ['{packages,apps,examples}/*/{src,test}/**/*.test.ts', 'fixtures/src/**/*.test.ts'],
    // Those run in vitest.browser.config.ts.
    exclude: [...configDefaults.exclude, '**/*.browser.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    // A folder of installed packages can take longer to remove than vitest's 10 seconds.
    hookTimeout: 60_000,
    reporters: ['default', './scripts/vitest-reporter.ts'],
  },
});
