import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { BACKENDS } from '../test/check.ts';
import { attentionPacked } from './attention.ts';
import { linear } from './linear.ts';
import { requireGradients } from './require-gradients.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));

async function node(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  return stdout;
}

describe("@proj/ops/gradients, built and imported by Node's own loader", () => {
  it('differentiates what tfjs-core can, on one copy of tfjs-core', async () => {
    expect(existsSync(`${folder}dist/gradients.js`), 'build @proj/ops before testing it').toBe(true);
    const {
      results,
      refusals,
    }: Record<'results' | 'refusals', Record<string, number | string>> = JSON.parse(
      await node('test/built-gradients.mjs'),
    );
    expect(refusals['maxPool']).toMatch(
      /^OPS_WRONG_KERNEL .*wrong where a window's maximum is negative; add import '@proj\/wasm-kernels\/install'/,
    );
    expect(refusals['maxPool3d']).toMatch(/^OPS_WRONG_KERNEL .*use the cpu backend/);
    expect(Object.keys(results).length).toBeGreaterThan(75);
    const wrong = Object.entries(results).filter(([, error]) => !(typeof error === 'number' && error < 1e-4));
    expect(wrong).toEqual([]);
  });

  it('is missed by name where it was not imported', async () => {
    const program =
      "import { requireGradients } from '@proj/ops'; try { requireGradients(); } catch (e) { console.log(e.code, e.message); }";
    expect(await node('--input-type=module', '-e', program)).toMatch(
      /^OPS_GRADIENTS_MISSING .*add import '@proj\/ops\/gradients'/,
    );
  });
});

describe.each(BACKENDS)('@proj/ops/gradients from source, on %s', (backend) => {
  it('joins with the operations of this package in one backward pass', async () => {
    await tf.setBackend(backend);
    await import('./gradients.ts');
    expect(requireGradients).not.toThrow();
    const x = tf.tensor(
      Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      [2, 3, 4],
    );
    const token = tf.tensor(
      Float32Array.from({ length: 4 }, (_, i) => Math.cos(i)),
      [1, 1, 4],
    );
    const position = tf.tensor(
      Float32Array.from({ length: 16 }, (_, i) => Math.sin(2 * i)),
      [1, 4, 4],
    );
    const weight = tf.tensor(
      Float32Array.from({ length: 48 }, (_, i) => Math.sin(5 * i)),
      [12, 4],
    );
    const f = (x: tf.Tensor, token: tf.Tensor, position: tf.Tensor): tf.Tensor => {
      const tokens = tf.add(tf.concat([tf.tile(token, [2, 1, 1]), x], 1), position);
      return tf.sum(tf.slice(attentionPacked(linear(tokens, weight), 2, 0.7), [0, 0, 0], [2, 1, 4]));
    };
    const gradients = tf.grads(f)([x, token, position]);
    for (const [i, input] of [x, token, position].entries()) {
      const direction = tf.randomNormal(input.shape, 0, 1, 'float32', i + 1);
      const along = (h: number): number => {
        const moved = [x, token, position] as [tf.Tensor, tf.Tensor, tf.Tensor];
        moved[i] = tf.add(input, tf.mul(direction, h));
        return f(...moved).dataSync()[0]!;
      };
      const expected = (along(0.01) - along(-0.01)) / 0.02;
      expect(tf.sum(tf.mul(gradients[i]!, direction)).dataSync()[0]).toBeCloseTo(expected, 2);
    }
  });
});
