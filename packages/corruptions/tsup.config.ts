import { defineConfig } from 'tsup';

export default defineConfig({
  // `fixtures` compares the built package with the reference code's outputs: for this repository, not published.
  entry: { index: 'src/index.ts', fixtures: 'scripts/fixtures.ts' },
  external: ['@proj/corruptions'],
  format: 'esm',
  target: 'es2022',
  dts: { entry: { index: 'src/index.ts' } },
  clean: true,
});
