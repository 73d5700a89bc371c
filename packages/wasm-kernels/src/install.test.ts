import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { batchMatMulKernel } from './batch-mat-mul.ts';
import { install, kernelReport } from './install.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));
/** tfjs's kernels that are replaced or that it lacks. */
const REPLACED = [
  'BatchMatMul',
  '_FusedMatMul',
  'Identity',
  'MaxPoolGrad',
  'Cumsum',
  'Cumprod',
  'Conv2D',
  'FusedConv2D',
  'Conv2DBackpropInput',
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNative',
  'FusedDepthwiseConv2D',
  'DepthwiseConv2dNativeBackpropInput',
  'DepthwiseConv2dNativeBackpropFilter',
  'GatherV2',
  'UnsortedSegmentSum',
  'Transpose',
  'Einsum',
];
const IN_FORCE = kernelReport().kernels;
const { flavour: FLAVOUR } = kernelReport();

describe('@proj/wasm-kernels/install, built and imported by Node', () => {
  it.each([
    ['before', 'tfjs-backend-wasm-simd.wasm'],
    ['after', 'tfjs-backend-wasm-simd.wasm'],
    ['before', 'tfjs-backend-wasm.wasm'],
    ['after', 'tfjs-backend-wasm.wasm'],
  ])('takes effect when imported %s the backend starts, with %s, without a warning', async (when, build) => {
    expect(existsSync(`${folder}dist/install.js`), 'build @proj/wasm-kernels before testing it').toBe(true);
    const { stdout } = await promisify(execFile)(process.execPath, ['test/program.mjs', when, build], {
      cwd: folder,
    });
    expect(JSON.parse(stdout)).toEqual({
      product: [7, 8],
      full: 'WASM_KERNELS_OUT_OF_MEMORY',
      report: { flavour: FLAVOUR, backend: 'wasm', kernels: IN_FORCE },
      warnings: [],
    });
  });
});

describe('kernelReport', () => {
  it('says what is registered now, and install puts back what was taken away', () => {
    expect(IN_FORCE.filter((name) => !name.startsWith('proj.'))).toEqual(REPLACED);
    expect(IN_FORCE).toContain('proj.Linear');
    tf.unregisterKernel('Identity', 'wasm');
    expect(kernelReport()).toMatchObject({
      flavour: 'mixed',
      kernels: IN_FORCE.filter((name) => name !== 'Identity'),
    });
    for (const name of IN_FORCE) if (name !== 'Identity') tf.unregisterKernel(name, 'wasm');
    expect(kernelReport()).toMatchObject({ flavour: 'stock', kernels: [] });
    for (const name of IN_FORCE) tf.registerKernel({ ...batchMatMulKernel, kernelName: name });
    install();
    expect(kernelReport()).toEqual({ flavour: FLAVOUR, backend: tf.getBackend(), kernels: IN_FORCE });
  });
});
