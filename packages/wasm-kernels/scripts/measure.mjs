// Times our matrix products against the stock ones of tfjs-wasm, interleaved in one run: `node scripts/measure.mjs` after a build.
// CPU time of one thread, medians; trust the ratios.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';

const ROUNDS = 9;
const SHAPES = [
  ['fc1, 8 x 197 tokens', 1, 1576, 192, 768, false, false],
  ['fc1, weight [out, in]', 1, 1576, 192, 768, false, true],
  ['384 x 1536', 1, 197, 384, 1536, false, false],
  ['q kᵀ', 48, 197, 64, 197, false, true],
  ['p v', 48, 197, 197, 64, false, false],
  ['dW = xᵀ dy', 1, 192, 1576, 768, true, false],
  ['512³', 1, 512, 512, 512, false, false],
  ['1024³', 1, 1024, 1024, 1024, false, false],
  ['q kᵀ, 17 tokens', 256, 17, 16, 17, false, true],
  ['one row, weight [out, in]', 1, 1, 192, 1000, false, true],
  ['one row', 1, 1, 192, 1000, false, false],
  ['head, batch 64', 1, 64, 64, 10, false, true],
];

const stock = tf.getKernel('BatchMatMul', 'wasm');
await tf.setBackend('wasm');
await import('@proj/wasm-kernels/install');
const own = tf.getKernel('BatchMatMul', 'wasm');

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const median = (values) => values.sort((x, y) => x - y)[values.length >> 1];

console.log('| product | batch x M x K x N | stock | own | ratio |');
console.log('| --- | --- | --: | --: | --: |');
for (const [name, batch, m, k, n, transposeA, transposeB] of SHAPES) {
  const a = tf.randomNormal([batch, ...(transposeA ? [k, m] : [m, k])]);
  const b = tf.randomNormal([batch, ...(transposeB ? [n, k] : [k, n])]);
  const gigaflop = (2 * batch * m * k * n) / 1e9;
  const seconds = ({ kernelFunc }, repeats) => {
    const start = cpu();
    for (let i = 0; i < repeats; i++) {
      const { dataId } = kernelFunc({
        inputs: { a, b },
        attrs: { transposeA, transposeB },
        backend: tf.backend(),
      });
      tf.backend().disposeData(dataId);
    }
    return (cpu() - start) / repeats;
  };
  const kernels = [stock, own].map((kernel) => {
    const once = Math.max(seconds(kernel, 3), seconds(kernel, 3), 1e-6);
    return { kernel, repeats: Math.max(1, Math.ceil(0.05 / once)), times: [] };
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const { kernel, repeats, times } of kernels) times.push(seconds(kernel, repeats));
  }
  const [before, after] = kernels.map(({ times }) => gigaflop / median(times));
  const sizes = `${batch} x ${m} x ${k} x ${n}`;
  console.log(
    `| ${name} | ${sizes} | ${before.toFixed(1)} | ${after.toFixed(1)} | ${(after / before).toFixed(1)} |`,
  );
  tf.dispose([a, b]);
}
