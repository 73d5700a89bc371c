import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/node.ts', 'src/tfjs.ts'],
  format: 'esm',
  target: 'es2022',
  dts: true,
  clean: true,
});
