import '@proj/ops/gradients';
import { matMul, randomNormal, setBackend, tidy } from '@tensorflow/tfjs-core';

export { install, kernelReport } from '@proj/wasm-kernels/install';

await setBackend('wasm');

/** Median of nine products of 512 x 512 matrices. */
export async function gigaflops(): Promise<number> {
  const [a, b] = [randomNormal([512, 512], 0, 1, 'float32', 1), randomNormal([512, 512], 0, 1, 'float32', 2)];
  const seconds: number[] = [];
  for (let i = 0; i < 9; i++) {
    const started = performance.now();
    const product = tidy(() => matMul(a, b));
    await product.data();
    seconds.push((performance.now() - started) / 1000);
    product.dispose();
  }
  a.dispose();
  b.dispose();
  return (2 * 512 ** 3) / seconds.sort((x, y) => x - y)[4]! / 1e9;
}
