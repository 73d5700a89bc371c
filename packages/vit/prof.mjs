import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import '@proj/ops/gradients';
import { crossEntropy } from '@proj/ops';
import { floatLayers, initVit, vit, vitConfigs } from '@proj/vit';

const mode = process.argv[2],
  name = process.argv[3] ?? 'vit_digits_28',
  B = +(process.argv[4] ?? 64);
if (mode !== 'stock') await import('@proj/wasm-kernels/install');
await tf.setBackend('wasm');
const config = vitConfigs[name];
const P = initVit(config, 1);
const params = P.parameters ?? P;
const images = tf.randomNormal([B, config.channels, config.imageSize, config.imageSize]);
const targets = tf.tensor1d(
  Array.from({ length: B }, (_, i) => i % 10),
  'int32',
);
const times = new Map();
const depth = 0;
function wrap() {
  for (const k of tf.getKernelsForBackend('wasm')) {
    tf.unregisterKernel(k.kernelName, 'wasm');
    tf.registerKernel({
      ...k,
      kernelFunc: (a) => {
        const t = performance.now();
        const r = k.kernelFunc(a);
        const e = times.get(k.kernelName) ?? [0, 0];
        e[0] += performance.now() - t;
        e[1]++;
        times.set(k.kernelName, e);
        return r;
      },
    });
  }
}
const names = [...params.keys()];
function step() {
  const { value, grads } = tf.engine().gradients(
    () => {
      const o = vit(config, floatLayers(params), images);
      return crossEntropy(o.logits ?? o, targets);
    },
    [...params.values()],
    undefined,
    true,
  );
  const l = value.dataSync()[0];
  tf.dispose([value, grads]);
  return l;
}
const cpu = () => {
  const u = process.cpuUsage();
  return (u.user + u.system) / 1000;
};
for (let i = 0; i < 3; i++) step();
const ts = [];
const N = mode === 'stock' ? 3 : 15;
for (let i = 0; i < N; i++) {
  const t = cpu();
  step();
  ts.push(cpu() - t);
}
ts.sort((a, b) => a - b);
console.log(
  mode,
  name,
  'step ms median',
  ts[N >> 1].toFixed(1),
  'min',
  ts[0].toFixed(1),
  'heap MiB',
  tf.backend().wasm.asm.memory.buffer.byteLength / 2 ** 20,
);
const wr = process.argv[5] !== 'nowrap';
if (wr) {
  wrap();
  const t = performance.now();
  const R = mode === 'stock' ? 2 : 10;
  for (let i = 0; i < R; i++) step();
  const total = (performance.now() - t) / R;
  let sum = 0;
  for (const [k, [ms, n]] of [...times].sort((a, b) => b[1][0] - a[1][0]).slice(0, 22)) {
    console.log(k.padEnd(22), (ms / R).toFixed(2), 'ms', n / R, 'calls');
  }
  for (const v of times.values()) sum += v[0] / R;
  console.log('total wall', total.toFixed(1), 'in kernels', sum.toFixed(1));
}
