import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convnetConfigs, convnetTensors } from '@proj/convnet/forward';
import { type StateDict, serializeSafetensors, tensorData } from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { workplace } from './workplace.ts';

const { folder, proj, json } = workplace();

/** A ResNet-20 whose weights have moved by `step`. */
function resnet20(step: number): StateDict {
  return new Map(
    convnetTensors(convnetConfigs.resnet20).map(({ name, shape, role }) => {
      const size = shape.reduce((product, axis) => product * axis, 1);
      if (role === 'counter') return [name, tensorData('I64', shape, [1])];
      const values = Array.from(
        { length: size },
        (_, i) => 1 + Math.sin(i) + step * Math.cos(i * (2 + step)),
      );
      return [name, tensorData('F32', shape, values)];
    }),
  );
}

describe('signatures of a convolutional network', () => {
  it('cover stem and blocks, replace its batch norm, and come off again', { timeout: 60_000 }, async () => {
    for (const [name, step] of Object.entries({ start: 0, clean: 0.1, fog: 0.3 })) {
      writeFileSync(join(folder, `${name}.safetensors`), serializeSafetensors(resnet20(step)));
    }
    const models = [
      '--start',
      'start.safetensors',
      '--standard',
      'clean.safetensors',
      '--robust',
      'fog.safetensors',
    ];
    const extract = ['extract', ...models, '--units', '3', '--out', 'fog.rws.safetensors'];
    const extracted = await json([...extract, '--batch-norm', 'replace+recalibrate', '--energy', '0.9']);
    expect(extracted).toMatchObject({
      k: 3,
      units: 10,
      about: { architecture: 'resnet20' },
      tensors: 5 + 19 * 4,
    });
    expect(extracted['replaced']).toBe(19 * 4);
    const patch = ['patch', 'clean.safetensors', 'fog.rws.safetensors', '--out', 'patched.safetensors'];
    const { before } = (await json(patch))['sha256'] as { before: string };
    const restored = await json(['unpatch', 'patched.safetensors', '--out', 'restored.safetensors']);
    expect(restored['sha256']).toBe(before);
    const beyond = await proj([...extract, '--force', '--units', '11']);
    expect(beyond.code).toBe(2);
    expect(beyond.stderr).toContain('resnet20 has 10, the stem and its blocks');
  });
});
