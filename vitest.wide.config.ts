import { defineConfig, mergeConfig } from 'vitest/config';
import config from './vitest.config.ts';

/** The tests of operations and kernels with the wide kernels, which need a V8 that has relaxed SIMD. */
export default mergeConfig(
  config,
  defineConfig({
    test: {
      setupFiles: ['packages/wasm-kernels/test/wide.ts'],
      // Starts processes, in which other kernels are in force.
      exclude: ['packages/wasm-kernels/src/install.test.ts'],
    },
  }),
);
