// What patching costs, on the real DeiT-Tiny with 4-bit signatures of its first 3 blocks. After a build:
// node packages/rws/scripts/measure-patching.mjs [rounds = 20]
// Files: patching and unpatching against copying with fsync and hashing, in turn. Live: tfjs-wasm, with its own kernels and with ours.
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract, patch, unpatch } from '@proj/rws';
import { readModelFile, writeModelFile } from '@proj/rws/node';
import { livePatch } from '@proj/rws/tfjs';
import { tensorData, toFloat32 } from '@proj/tensor-io';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

const rounds = Number(process.argv[2] ?? 20);
const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const data = process.env.PROJ_DATA_DIR ?? join(repository, '../shared/data');
const file = join(data, 'deit_tiny_patch16_224/model.safetensors');
const folder = mkdtempSync(join(tmpdir(), 'rws-measure-'));
const at = (name) => join(folder, name);

/** The named tensors moved by pseudo-random steps of `size` times their root mean square: stands in for fine-tuning. */
function moved(state, names, size, seed) {
  let draw = seed;
  const result = new Map(state);
  for (const name of names) {
    const values = toFloat32(state.get(name));
    const step = size * Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    for (let i = 0; i < values.length; i++) {
      let sum = -2;
      for (let j = 0; j < 4; j++) {
        draw = (Math.imul(draw, 1664525) + 1013904223) >>> 0;
        sum += draw / 2 ** 32;
      }
      values[i] += sum * Math.sqrt(3) * step;
    }
    result.set(name, tensorData('F32', state.get(name).shape, values));
  }
  return result;
}

async function milliseconds(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const show = (values) => `${median(values).toFixed(1)} ms (least ${Math.min(...values).toFixed(1)})`;
const hash = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

const { model: base } = await readModelFile(file);
const blocks = Array.from({ length: 12 }, (_, i) =>
  [...base.state.keys()].filter((n) => n.startsWith(`blocks.${i}.`)),
);
const names = blocks.slice(0, 3).flat();
const init = moved(base.state, names, 0.05, 1);
const robust = moved(base.state, names, 0.15, 2);
const { signature } = await extract({ init, standard: base.state, robust, units: blocks, k: 3, bits: 4 });

function copyAndHash() {
  const bytes = readFileSync(file);
  const copy = openSync(at('copy'), 'w');
  writeSync(copy, bytes);
  fsyncSync(copy);
  closeSync(copy);
  createHash('sha256').update(bytes).digest('hex');
}
async function patchFile() {
  const opened = await readModelFile(file);
  await writeModelFile(at('patched'), await patch(opened.model, [{ signature, alpha: 1 }]), opened);
}
async function unpatchFile() {
  const opened = await readModelFile(at('patched'));
  await writeModelFile(at('restored'), unpatch(opened.model, 'all'), opened);
}

/** The first ones warm up. */
const warm = 3;
try {
  const rows = [];
  for (let i = 0; i < rounds + warm; i++) {
    rows.push([
      await milliseconds(copyAndHash),
      await milliseconds(patchFile),
      await milliseconds(unpatchFile),
    ]);
  }
  const [copy, patched, unpatched] = [0, 1, 2].map((column) => rows.slice(warm).map((row) => row[column]));
  const ratio = (values) => median(values.map((value, i) => value / copy[i])).toFixed(2);
  console.log(`copying, fsync, hashing   ${show(copy)}`);
  console.log(`patching the file         ${show(patched)}, ${ratio(patched)} times that`);
  console.log(`unpatching it             ${show(unpatched)}, ${ratio(unpatched)} times that`);
  console.log(`SHA-256 ${hash(file) === hash(at('restored')) ? 'is the same after as before' : 'DIFFERS'}`);
} finally {
  rmSync(folder, { recursive: true });
}

await tf.setBackend('wasm');
for (const kernels of ["tfjs-wasm's own kernels", 'ours']) {
  if (kernels === 'ours') await import('@proj/wasm-kernels/install');
  const weights = new Map([...base.state].map(([name, t]) => [name, tf.tensor(toFloat32(t), [...t.shape])]));
  const products = names.filter((name) => weights.get(name).rank === 2).map((name) => weights.get(name));
  // One row times every patched matrix: where a kernel packs weights, it packs them then.
  const use = () =>
    tf.tidy(() => {
      for (const weight of products) tf.matMul(tf.ones([1, weight.shape[1]]), weight, false, true).dataSync();
    });
  const live = livePatch(weights);
  await live.prepare([signature]);
  const rows = [];
  for (let i = 0; i < rounds + warm; i++) {
    const usual = await milliseconds(use);
    const on = await milliseconds(() => live.patch([{ signature, alpha: 1 }]));
    const first = await milliseconds(use);
    const off = await milliseconds(() => live.unpatch('all'));
    rows.push([on, off, Math.max(0, first - usual)]);
  }
  const [on, off, packing] = [0, 1, 2].map((column) => rows.slice(warm).map((row) => row[column]));
  console.log(
    `live, ${kernels}: patching ${show(on)}, removing ${show(off)}, first use then longer by ${show(packing)}`,
  );
  for (const weight of weights.values()) weight.dispose();
}
