import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    'demo-child': 'src/demo/child.ts',
    'kernels-tfjs': 'src/kernels/child/tfjs.ts',
    'kernels-ort': 'src/kernels/child/ort.ts',
    'fixtures-ofq': 'src/ofq/main.ts',
  },
  format: 'esm',
  target: 'node20',
  clean: true,
});
