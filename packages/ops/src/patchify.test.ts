import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, checkOperation } from '../test/check.ts';
import { linear } from './linear.ts';
import { patchify } from './patchify.ts';

describe.each(BACKENDS)('patchify on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('lists patches row by row, channel first within each, with the inverse as gradient', () => {
    const [b, c, h, w, p] = [2, 3, 4, 6, 2];
    checkOperation({
      shapes: [[b, c, h, w]],
      expected: [b, (h / p) * (w / p), c * p * p],
      run: (images) => patchify(images!, p),
      definition: (x) => {
        const y = new Float64Array(x!.length);
        let at = 0;
        for (let i = 0; i < b; i++)
          for (let top = 0; top < h; top += p)
            for (let left = 0; left < w; left += p)
              for (let channel = 0; channel < c; channel++)
                for (let dy = 0; dy < p; dy++)
                  for (let dx = 0; dx < p; dx++)
                    y[at++] = x![((i * c + channel) * h + top + dy) * w + left + dx]!;
        return y;
      },
    });
  });

  it('makes a strided convolution a linear layer', () => {
    const images = tf.randomNormal([2, 3, 8, 8], 0, 1, 'float32', 1);
    const weight = tf.randomNormal([5, 3, 4, 4], 0, 1, 'float32', 2);
    const conv = tf.conv2d(
      tf.transpose(images, [0, 2, 3, 1]) as tf.Tensor4D,
      tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D,
      4,
      'valid',
    );
    const patches = linear(patchify(images, 4), tf.reshape(weight, [5, 48]));
    expect(tf.max(tf.abs(tf.sub(patches, tf.reshape(conv, [2, 4, 5])))).dataSync()[0]).toBeLessThan(1e-5);
  });

  it('refuses images that are no multiple of the patch', () => {
    expect(() => patchify(tf.zeros([1, 3, 8, 6]), 4)).toThrow(
      'patchify with patch 4: expected images [B, C, H, W] with H and W multiples of the patch, got images [1, 3, 8, 6].',
    );
  });
});
