import { defineConfig } from 'vite';

/** The page of `bench serve`: served from any path, its workers and WebAssembly beside it. */
export default defineConfig({
  root: 'src/page',
  base: './',
  worker: { format: 'es' },
  build: {
    outDir: '../../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    // An inlined module would need a looser content security policy.
    assetsInlineLimit: 0,
    // tfjs is large; it lies beside the page, on the same machine.
    chunkSizeWarningLimit: 4096,
    modulePreload: { polyfill: false },
  },
});
