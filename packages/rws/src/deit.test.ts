import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory, hasData } from '@proj/fixtures';
import {
  parseSafetensors,
  type StateDict,
  serializeSafetensors,
  sha256,
  stateSha256,
  tensorData,
  toFloat32,
} from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { extract, inspect, openPatched, patch, patchedMetadata, type Signature, unpatch } from './index.ts';

const file = 'deit_tiny_patch16_224/model.safetensors';

/** The tensor moved by pseudo-random steps of about `size` times its own root mean square: stands in for fine-tuning. */
function moved(state: StateDict, names: readonly string[], size: number, seed: number): StateDict {
  const result = new Map(state);
  let lanes = seed;
  for (const name of names) {
    const values = toFloat32(state.get(name)!);
    const step = (size * Math.hypot(...values.subarray(0, 4096))) / Math.sqrt(Math.min(values.length, 4096));
    for (let i = 0; i < values.length; i++) {
      let sum = -2;
      for (let j = 0; j < 4; j++) {
        lanes = (Math.imul(lanes, 1664525) + 1013904223) >>> 0;
        sum += lanes / 2 ** 32;
      }
      values[i] = values[i]! + sum * Math.sqrt(3) * step;
    }
    result.set(name, tensorData('F32', state.get(name)!.shape, values));
  }
  return result;
}

describe.runIf(hasData(file))('signatures of the real DeiT-Tiny, first 3 blocks, 4 bits', () => {
  it('patch into an ordinary file and come off one by one: every bit is back, at the stated cost', async () => {
    const bytes = new Uint8Array(readFileSync(join(dataDirectory(), file)));
    const { state, metadata } = parseSafetensors(bytes);
    const units = Array.from({ length: 12 }, (_, i) =>
      [...state.keys()].filter((name) => name.startsWith(`blocks.${i}.`)),
    );
    const names = units.slice(0, 3).flat();
    const init = moved(state, names, 0.05, 1);
    const signatures: Signature[] = [];
    for (const seed of [2, 3]) {
      const robust = moved(state, names, 0.15, seed);
      signatures.push((await extract({ init, standard: state, robust, units, k: 3, bits: 4 })).signature);
    }
    const summary = inspect(signatures[0]!);
    expect(summary).toMatchObject({ tensors: 36, parameters: 1_334_592, packedBytes: 667_584 });
    // Even these light-tailed steps have fewer than 3.3 bits of information in 4-bit codes.
    expect(summary.payloadBytes).toBeLessThan(545_000);
    expect(summary.fileBytes - summary.payloadBytes).toBeLessThan(13_000);
    expect(summary.compression).toBeGreaterThan(40);

    const before = await stateSha256(state);
    const one = await patch(state, [{ signature: signatures[0]!, alpha: 1 }]);
    const single = serializeSafetensors(one.state, await patchedMetadata(one, metadata));
    const overhead = single.length - serializeSafetensors(state, metadata).length;
    expect(overhead).toBeLessThan(0.3 * one.report.elements * 4);

    const both = await patch(one, [{ signature: signatures[1]!, alpha: 0.5 }]);
    const stored = parseSafetensors(serializeSafetensors(both.state, await patchedMetadata(both, metadata)));
    const reopened = await openPatched(stored.state, stored.metadata);
    const without = unpatch(reopened.model, signatures[1]!.id);
    const again = serializeSafetensors(without.state, await patchedMetadata(without, reopened.metadata));
    expect(await sha256(again)).toBe(await sha256(single));
    expect(await stateSha256(unpatch(without, 'all').state)).toBe(before);
    expect(reopened.metadata).toEqual(metadata);
  });
});
