import '@tensorflow/tfjs-backend-wasm';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory, hasData } from '@proj/fixtures';
import { readSafetensors } from '@proj/tensor-io/node';
import { toTensors } from '@proj/tensor-io/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configFromState, floatLayers, preprocess, type VitConfig, vit } from './index.ts';

const bytes = (file: string) => new Uint8Array(readFileSync(join(dataDirectory(), file)));

const deit = [
  'deit_tiny_patch16_224/model.safetensors',
  'deit_tiny_patch16_224/reference_input_u8_4x224x224x3.bin',
  'deit_tiny_patch16_224/reference_logits_f32_4x1000.bin',
] as const;
const images224 = ['imagenet-sample-1000/images224.bin', 'imagenet-sample-1000/images224.json'] as const;

describe.runIf(hasData(...deit))("DeiT-Tiny with its authors' weights", () => {
  let config: VitConfig;
  let parameters: Map<string, tf.Tensor>;

  beforeAll(async () => {
    await tf.setBackend('wasm');
    const { state, metadata } = await readSafetensors(join(dataDirectory(), deit[0]));
    config = configFromState(state, metadata);
    parameters = toTensors(state);
  });

  afterAll(() => {
    tf.dispose([...parameters.values()]);
    expect(tf.memory().numTensors, 'tensors left behind').toBe(0);
  });

  /** Logits [count, 1000] of uint8 images. */
  const logits = (images: Uint8Array, count: number): Float32Array => {
    const shape: [number, number, number, number] = [count, 3, 224, 224];
    const output = tf.tidy(() =>
      vit(config, floatLayers(parameters), tf.tensor(preprocess(images, count, config), shape)),
    );
    const values = output.dataSync<'float32'>();
    output.dispose();
    return values;
  };

  const expectReferenceLogits = () => {
    const expected = new Float32Array(bytes(deit[2]).buffer);
    const actual = logits(bytes(deit[1]), 4);
    const differences = actual.map((value, i) => Math.abs(value - expected[i]!));
    expect(Math.max(...differences)).toBeLessThan(1e-3);
    expect([0, 1, 2, 3].map((i) => best(actual.subarray(i * 1000, (i + 1) * 1000)))).toEqual([
      0, 261, 500, 750,
    ]);
  };

  it('is recognised by its shapes', () => {
    expect(config.name).toBe('deit_tiny_patch16_224');
  });

  it("reproduces PyTorch's logits on tfjs's own kernels", expectReferenceLogits);

  describe('on the kernels of @proj/wasm-kernels', () => {
    beforeAll(async () => {
      await import('@proj/wasm-kernels/install');
    });

    it("reproduces PyTorch's logits", expectReferenceLogits);

    it.runIf(hasData(...images224))(
      'is right on 206 to 208 of 250 ImageNet images',
      { timeout: 600_000 },
      async () => {
        const pack = bytes(images224[0]);
        const { images: all } = JSON.parse(new TextDecoder().decode(bytes(images224[1]))) as {
          images: [offset: number, length: number, label: number, name: string][];
        };
        expect(all).toHaveLength(1000);
        const images = all.filter((_, i) => i % 4 === 0);
        let right = 0;
        for (let start = 0; start < images.length; start += batch) {
          const part = images.slice(start, start + batch);
          const decoded = await Promise.all(
            part.map(([offset, length]) =>
              sharp(pack.subarray(offset, offset + length))
                .raw()
                .toBuffer(),
            ),
          );
          const scores = logits(new Uint8Array(Buffer.concat(decoded)), part.length);
          for (const [i, [, , label]] of part.entries()) {
            if (best(scores.subarray(i * 1000, (i + 1) * 1000)) === label) right++;
          }
        }
        expect(right).toBeGreaterThanOrEqual(206);
        expect(right).toBeLessThanOrEqual(208);
      },
    );
  });
});

/** Enough rows to keep the matrix products busy, few enough to keep the activations small. */
const batch = 16;

function best(scores: Float32Array): number {
  return scores.indexOf(scores.reduce((highest, score) => Math.max(highest, score)));
}
