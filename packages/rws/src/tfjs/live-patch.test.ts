import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type StateDict, stateSha256, tensorData, toFloat32 } from '@proj/tensor-io';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  graphModel,
  layersModel,
  type SubjectModel,
  signatureOf,
  tensorMap,
  wave,
} from '../../test/tfjs-models.ts';
import { patch } from '../index.ts';
import { layerAxes, livePatch } from '../tfjs.ts';

const subjects: [string, () => SubjectModel | Promise<SubjectModel>][] = [
  ['a LayersModel', layersModel],
  ['a GraphModel', graphModel],
  ['variables by name', () => tensorMap('variables')],
  ['tensors by name', () => tensorMap('tensors')],
];

let subject: SubjectModel;
afterEach(() => subject.dispose());

/** What a model with these weights, in its order, predicts that nobody has predicted with before. */
async function predictionsWith(make: () => SubjectModel | Promise<SubjectModel>, state: StateDict) {
  const fresh = await make();
  const names = [...fresh.state().keys()];
  const values = [...state.values()].map((data) => tf.tensor(toFloat32(data), [...data.shape]));
  for (const [i, name] of names.entries()) {
    if (fresh.source instanceof Map) fresh.source.set(name, values[i]!);
    else if (!(fresh.source instanceof layers.LayersModel)) fresh.source.weights[name]![0] = values[i]!;
  }
  if (fresh.source instanceof layers.LayersModel) fresh.source.setWeights(values);
  return fresh.predict();
}

// The kernels are installed at last and stay.
describe.each([
  ['cpu', 'cpu', undefined],
  ['wasm with its own kernels', 'wasm', undefined],
  ['wasm with ours', 'wasm', () => import('@proj/wasm-kernels/install')],
] as const)('signatures on live weights, on %s', (_, backend, install) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    await install?.();
  });

  it.each(subjects)('of %s count at once and come off with every bit', async (_, make) => {
    subject = await make();
    const base = subject.state();
    const [a, b] = await Promise.all([
      signatureOf(base, subject.units, 1),
      signatureOf(base, subject.units, 2, 1),
    ]);
    const before = subject.predict();
    const live = livePatch(subject.source);

    const report = await live.patch([{ signature: a, alpha: 1 }]);
    const one = await patch(base, [{ signature: a, alpha: 1 }]);
    expect(report).toEqual(one.report);
    expect(await stateSha256(subject.state())).toBe(await stateSha256(one.state));
    expect(subject.predict()).toEqual(await predictionsWith(make, one.state));
    expect(subject.predict()).not.toEqual(before);

    await live.patch([{ signature: b, alpha: -0.5, units: new Map([[0, 0.75]]) }]);
    const both = await patch(one, [{ signature: b, alpha: 0.75 }]);
    expect(await stateSha256(subject.state())).toBe(await stateSha256(both.state));
    expect(subject.predict()).toEqual(await predictionsWith(make, both.state));

    await live.recompose({ kind: 'mean' });
    await live.scale(a.id, 3);
    await live.unpatch(a.id);
    const rest = await patch(base, [{ signature: b, alpha: 0.75 }]);
    expect(await stateSha256(subject.state())).toBe(await stateSha256(rest.state));
    expect(subject.predict()).toEqual(await predictionsWith(make, rest.state));

    await live.unpatch('all');
    expect(await stateSha256(subject.state())).toBe(await stateSha256(base));
    expect(subject.predict()).toEqual(before);
    expect(live.model.base.size).toBe(0);
  });

  it.each(subjects)(
    'of %s leave hash, tensors, heap and memory as they were, 1,000 times',
    async (_, make) => {
      subject = await make();
      const signature = await signatureOf(subject.state(), subject.units, 1);
      const live = livePatch(subject.source);
      const cycles = async (count: number) => {
        for (let i = 0; i < count; i++) {
          await live.patch([{ signature, alpha: 1 }]);
          if (i % 100 === 0) subject.predict();
          await live.unpatch('all');
        }
        subject.predict();
      };
      const hash = await stateSha256(subject.state());
      await cycles(50);
      const before = { tensors: tf.memory(), heap: wasmHeap(), memory: await memoryInUse() };
      await cycles(1000);
      expect(await stateSha256(subject.state())).toBe(hash);
      expect(tf.memory()).toEqual(before.tensors);
      expect(wasmHeap()).toBe(before.heap);
      // A megabyte: one weight a cycle would be several.
      expect((await memoryInUse()) - before.memory).toBeLessThan(1_000_000);
    },
  );
});

/** Bytes of the wasm backend's memory; 0 on another. */
function wasmHeap(): number {
  const backend = tf.backend() as unknown as { wasm?: { HEAPU8: Uint8Array } };
  return backend.wasm?.HEAPU8.length ?? 0;
}

/** Bytes that JavaScript holds after what is garbage is collected. */
async function memoryInUse(): Promise<number> {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  // Buffers are given back after the collection that finds them.
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

describe('signatures on live weights', () => {
  it('of another layout and other names go where they are told', async () => {
    await tf.setBackend('wasm');
    subject = layersModel();
    // The same weights as PyTorch has them: [out, in, height, width], [channels, 1, height, width], [out, in].
    const axes = { stem: layerAxes.conv2d, depthwise: layerAxes.depthwiseConv2d, head: layerAxes.dense };
    const places = new Map(
      [...subject.state().keys()].map((name) => {
        const [layer, part] = name.replace(/_\d+$/, '').split('/') as [keyof typeof axes, string];
        const kernel = part.endsWith('kernel') && layer in axes;
        return [`model.${layer}.${part}`, { name, ...(kernel && { axes: axes[layer] }) }];
      }),
    );
    const state = subject.state();
    const outer = new Map(
      [...places].map(([name, place]) => {
        const tensor = state.get(place.name)!;
        const back =
          place.axes === undefined ? undefined : tensor.shape.map((_, i) => place.axes!.indexOf(i as never));
        const t = tf.tidy(() => tf.transpose(tf.tensor(toFloat32(tensor), [...tensor.shape]), back));
        return [name, tensorData('F32', t.shape, t.dataSync() as Float32Array)];
      }),
    );
    expect(outer.get('model.stem.kernel')!.shape).toEqual([4, 3, 3, 3]);
    expect(outer.get('model.depthwise.depthwise_kernel')!.shape).toEqual([4, 1, 3, 3]);
    const signature = await signatureOf(outer, [[...places.keys()]], 3);
    const before = subject.predict();
    const live = livePatch(subject.source, { places });
    const report = await live.patch([{ signature, alpha: 1 }]);
    const expected = await patch(outer, [{ signature, alpha: 1 }]);
    expect(report).toEqual(expected.report);
    for (const [name, place] of places) {
      const wanted = expected.state.get(name)!;
      const t = tf.tidy(() =>
        tf.transpose(tf.tensor(toFloat32(wanted), [...wanted.shape]), place.axes && [...place.axes]),
      );
      expect(toFloat32(subject.state().get(place.name)!)).toEqual(t.dataSync());
    }
    expect(subject.predict()).not.toEqual(before);
    await live.unpatch('all');
    expect(subject.predict()).toEqual(before);
  });

  it.each(['cpu', 'wasm'])(
    'on %s leave clones, the arrays weights were made of, and weights in a tidy alone',
    async (backend) => {
      await tf.setBackend(backend);
      const array = wave(6, 0);
      const state = new Map([['w', tensorData('F32', [6], array)]]);
      const signature = await signatureOf(state, [['w']], 1);
      const w = tf.tensor1d(array);
      subject = { ...tensorMap('tensors'), dispose: () => w.dispose() };
      const clone = w.clone();
      const live = livePatch(new Map([['w', w]]));
      await live.patch([{ signature, alpha: 1 }]);
      expect(clone.dataSync()).toEqual(wave(6, 0));
      expect(array).toEqual(wave(6, 0));
      expect(w.dataSync()).not.toEqual(wave(6, 0));
      clone.dispose();
      await live.unpatch('all');
      expect(w.dataSync()).toEqual(wave(6, 0));
    },
  );

  it('are refused where weights were trained since, and nothing is touched', async () => {
    await tf.setBackend('cpu');
    subject = tensorMap('variables');
    const weights = subject.source as Map<string, tf.Variable>;
    const signature = await signatureOf(subject.state(), subject.units, 1);
    const live = livePatch(weights);
    await live.patch([{ signature, alpha: 1 }]);
    weights.get('bias')!.assign(tf.ones([5]));
    const trained = await stateSha256(subject.state());
    await expect(live.unpatch('all')).rejects.toMatchObject({
      code: 'RWS_WEIGHTS_CHANGED',
      message: expect.stringContaining('"bias"'),
    });
    expect(await stateSha256(subject.state())).toBe(trained);
    expect(live.model.applied).toHaveLength(1);
  });

  it('may have been trained while no signature was on them', async () => {
    await tf.setBackend('cpu');
    subject = tensorMap('variables');
    const weights = subject.source as Map<string, tf.Variable>;
    const signature = await signatureOf(subject.state(), subject.units, 1);
    const live = livePatch(weights);
    await live.prepare([signature]);
    weights.get('bias')!.assign(tf.ones([5]));
    const trained = subject.state();
    await expect(live.patch([{ signature, alpha: 1 }])).rejects.toMatchObject({
      code: 'RWS_SIGNATURE_MISMATCH',
      mismatches: [{ tensor: 'bias', reason: 'content' }],
    });
    await live.patch([{ signature, alpha: 1 }], { allowTransfer: true });
    const expected = await patch(trained, [{ signature, alpha: 1 }], { allowTransfer: true });
    expect(await stateSha256(subject.state())).toBe(await stateSha256(expected.state));
    await live.unpatch('all');
    expect(await stateSha256(subject.state())).toBe(await stateSha256(trained));
    await expect(live.prepare([signature])).rejects.toMatchObject({ code: 'RWS_SIGNATURE_MISMATCH' });
  });

  it('are refused as by patch where they do not fit, the names being those of the signature', async () => {
    await tf.setBackend('cpu');
    subject = tensorMap('tensors');
    const state = subject.state();
    const signature = await signatureOf(state, subject.units, 1);
    const other = new Map<string, tf.Tensor>([
      ['conv', tf.zeros([3, 3, 3, 4], 'int32')],
      ['product', tf.zeros([5, 144])],
    ]);
    await expect(livePatch(other).patch([{ signature, alpha: 1 }])).rejects.toMatchObject({
      code: 'RWS_SIGNATURE_MISMATCH',
      mismatches: [
        { tensor: 'conv', reason: 'dtype' },
        { tensor: 'product', reason: 'shape' },
        { tensor: 'bias', reason: 'missing' },
      ],
    });
    const zeros = new Map([...state].map(([name, { shape }]) => [name, tf.zeros([...shape])]));
    await expect(livePatch(zeros).patch([{ signature, alpha: 1 }])).rejects.toMatchObject({
      mismatches: [{ reason: 'content' }, { reason: 'content' }, { reason: 'content' }],
    });
    const live = livePatch(zeros);
    await live.patch([{ signature, alpha: 1 }], { allowTransfer: true });
    expect(live.model.applied).toMatchObject([{ transferred: true }]);
    const places = new Map([['conv', { name: 'product' }]]);
    await expect(
      livePatch(subject.source, { places }).patch([{ signature, alpha: 1 }]),
    ).rejects.toMatchObject({
      code: 'RWS_OPTION_INVALID',
      message: expect.stringContaining('one weight'),
    });
  });

  it('that are asked for at the same time come one after the other', async () => {
    await tf.setBackend('cpu');
    subject = tensorMap('tensors');
    const base = subject.state();
    const [a, b] = await Promise.all([
      signatureOf(base, subject.units, 1),
      signatureOf(base, subject.units, 2),
    ]);
    const live = livePatch(subject.source);
    const outcomes = await Promise.allSettled([
      live.patch([{ signature: a, alpha: 1 }]),
      live.patch([{ signature: a, alpha: 1 }]),
      live.patch([{ signature: b, alpha: 1 }]),
      live.unpatch(a.id),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    const expected = await patch(base, [{ signature: b, alpha: 1 }]);
    expect(await stateSha256(subject.state())).toBe(await stateSha256(expected.state));
  });
});
