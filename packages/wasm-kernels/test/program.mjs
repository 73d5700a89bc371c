// Run by install.test.ts in a Node process of its own, on the built package. Arguments: when to import the kernels (before or
// after the backend starts), and which build of tfjs-wasm to run. Prints one JSON line.
import { createRequire } from 'node:module';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

const [when, build] = process.argv.slice(2);
const warnings = [];
console.warn = (...words) => warnings.push(words.join(' '));
console.error = console.warn;

const file = createRequire(import.meta.url).resolve(`@tensorflow/tfjs-backend-wasm/dist/${build}`);
const names = [
  'tfjs-backend-wasm.wasm',
  'tfjs-backend-wasm-simd.wasm',
  'tfjs-backend-wasm-threaded-simd.wasm',
];
setWasmPaths(Object.fromEntries(names.map((name) => [name, file])));

if (when === 'before') await import('@proj/wasm-kernels/install');
await tf.setBackend('wasm');
const { install, kernelReport } = await import('@proj/wasm-kernels/install');
install();

// Before any kernel of ours has run: a heap that is full is an error from the start.
const ballast = [];
let full;
try {
  for (let i = 0; i < 8; i++)
    ballast.push(tf.engine().makeTensorFromTensorInfo(tf.backend().makeOutput([800 << 18], 'float32')));
} catch (error) {
  full = error.code;
}
tf.dispose(ballast);

const product = tf.matMul(
  tf.tensor2d([[1, 2, 3]]),
  tf.tensor2d([
    [1, 0, 2],
    [0, 1, 2],
  ]),
  false,
  true,
);
console.log(JSON.stringify({ product: [...product.dataSync()], full, report: kernelReport(), warnings }));
