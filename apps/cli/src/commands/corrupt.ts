import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CorruptionName, corruptionNames } from '@proj/corruptions';
import { type ImageDataset, subset } from '@proj/datasets';
import { serializeNpy, tensorData } from '@proj/tensor-io';
import { writeFileAtomic } from '@proj/tensor-io/node';
import { Argument, Command } from 'commander';
import { openData } from '../dataset.ts';
import { type GlobalOptions, integerOption, requireAbsent, seedOption, withData } from '../options.ts';
import { count, createOutput } from '../output.ts';

interface Options extends GlobalOptions {
  readonly data: string;
  readonly split: 'train' | 'test';
  readonly out: string;
  readonly seed: number;
  readonly limit?: number;
  readonly force?: boolean;
}

const severities = [1, 2, 3, 4, 5];
const sheetImages = 4;

export function corruptCommand(signal: AbortSignal): Command {
  const command = new Command('corrupt')
    .description('corrupt a data set at all five severities, as arrays like CIFAR-10-C with a contact sheet')
    .addArgument(new Argument('<corruption>', 'which').choices(corruptionNames as readonly CorruptionName[]))
    .requiredOption('--out <folder>', 'NAME.npy, labels.npy and NAME.png go here')
    .addOption(seedOption())
    .option('--limit <n>', 'only the first n images', integerOption(1))
    .option('--force', 'replace existing files');
  withData(command, 'test');
  return command
    .addHelpText(
      'after',
      '\nExample:\n  proj corrupt fog --data cifar10 --out cifar10-c\n  proj evaluate model.safetensors --data cifar10-c/fog.npy@5',
    )
    .action(async (name: CorruptionName, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const output = createOutput(options);
      const { corrupted } = await import('@proj/recipes');
      const files = {
        images: join(options.out, `${name}.npy`),
        labels: join(options.out, 'labels.npy'),
        sheet: join(options.out, `${name}.png`),
      };
      await requireAbsent(files.images, options.force);
      const all = await openData(options.data, { split: options.split });
      const dataset = subset(
        all,
        Uint32Array.from({ length: Math.min(options.limit ?? all.length, all.length) }, (_, i) => i),
      );
      const { length, height, width, channels } = dataset;
      const size = height * width * channels;
      const images = new Uint8Array(5 * length * size);
      const bar = output.progress('corrupting', 5 * length);
      for (const severity of severities) {
        const source = corrupted(dataset, { name, severity, seed: options.seed });
        for (let at = 0; at < length; at += 100) {
          signal.throwIfAborted();
          const indices = Uint32Array.from({ length: Math.min(100, length - at) }, (_, i) => at + i);
          images.set(await source.images(indices), ((severity - 1) * length + at) * size);
          bar.update((severity - 1) * length + at + indices.length);
        }
      }
      bar.end();
      const labels = Int32Array.from({ length: 5 * length }, (_, i) => dataset.labels[i % length]!);
      await mkdir(options.out, { recursive: true });
      await writeFileAtomic(
        files.images,
        serializeNpy(tensorData('U8', [5 * length, height, width, channels], images)),
      );
      await writeFileAtomic(files.labels, serializeNpy(tensorData('I32', [5 * length], labels)));
      await writeFileAtomic(files.sheet, await contactSheet(dataset, images));
      output.result(
        'proj.corrupt/1',
        {
          ...files,
          corruption: name,
          count: 5 * length,
          shape: [5 * length, height, width, channels],
          seed: options.seed,
        },
        () =>
          `${files.images}: ${count(5 * length)} images, ${count(length)} for each severity, labels beside it\n${files.sheet}: the first images, clean and at severities 1 to 5`,
      );
    });
}

/** Rows of images, columns clean and severities 1 to 5. */
async function contactSheet(dataset: ImageDataset, images: Uint8Array): Promise<Uint8Array> {
  const { length, height, width, channels } = dataset;
  const size = height * width * channels;
  const rows = Math.min(sheetImages, length);
  const clean = await dataset.images(Uint32Array.from({ length: rows }, (_, i) => i));
  const cells = Array.from({ length: rows }, (_, row) => [
    { input: clean.subarray(row * size, (row + 1) * size), row, column: 0 },
    ...severities.map((severity) => {
      const at = ((severity - 1) * length + row) * size;
      return { input: images.subarray(at, at + size), row, column: severity };
    }),
  ]).flat();
  const { default: sharp } = await import('sharp');
  const gap = 2;
  return sharp({
    create: { width: 6 * (width + gap), height: rows * (height + gap), channels: 3, background: '#ffffff' },
  })
    .composite(
      cells.map(({ input, row, column }) => ({
        input: Buffer.from(input),
        raw: { width, height, channels },
        left: column * (width + gap),
        top: row * (height + gap),
      })),
    )
    .png()
    .toBuffer();
}
