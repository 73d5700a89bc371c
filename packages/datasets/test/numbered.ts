import { memoryDataset } from '../src/index.ts';

/** n images of 1 x 2 x 1 with bytes [i, 255 - i] and label i % classes. */
export const numbered = (n: number, classes = 3) =>
  memoryDataset({
    name: 'numbered',
    height: 1,
    width: 2,
    channels: 1,
    classNames: Array.from({ length: classes }, (_, c) => `class ${c}`),
    images: Uint8Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? i >> 1 : 255 - (i >> 1))),
    labels: Array.from({ length: n }, (_, i) => i % classes),
  });
