import { join } from 'node:path';
import { type CorruptionName, corruptionNames } from '@proj/corruptions';
import type { ImageDataset } from '@proj/datasets';
import { serializeNpy, tensorData } from '@proj/tensor-io';
import { writeFileAtomic } from '@proj/tensor-io/node';
import { Argument, Command } from 'commander';
import { sharedFiles } from '../corrupted-array.ts';
import { openData } from '../dataset.ts';
import { makeFolder, requireAbsent, requireSame, writing } from '../files.ts';
import { count } from '../format.ts';
import { interruption } from '../interruption.ts';
import { type GlobalOptions, integerOption, seedOption, withData } from '../options.ts';
import { createOutput, type Output } from '../output.ts';

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

export function corruptCommand(): Command {
  const command = new Command('corrupt')
    .description('corrupt a data set at all five severities, as arrays like CIFAR-10-C with a contact sheet')
    .addArgument(new Argument('<corruption>', 'which').choices(corruptionNames as readonly CorruptionName[]))
    .requiredOption('--out <folder>', 'NAME.npy, NAME.png, labels.npy and classes.json go here')
    .addOption(seedOption())
    .option('--limit <n>', 'only the first n images', integerOption(1))
    .option('--force', 'replace existing images');
  withData(command, 'test');
  return command
    .addHelpText(
      'after',
      '\nExample:\n  proj corrupt fog --data demo-results/digits --out digits-c\n  proj evaluate demo-results/standard.safetensors --data digits-c/fog.npy@5',
    )
    .action(async (name: CorruptionName, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      await corrupt(name, options, createOutput(options));
    });
}

async function corrupt(name: CorruptionName, options: Options, output: Output): Promise<void> {
  const { data, split, limit, out, seed, force } = options;
  const signal = interruption();
  const files = {
    images: join(out, `${name}.npy`),
    labels: join(out, sharedFiles.labels),
    classes: join(out, sharedFiles.classes),
    sheet: join(out, `${name}.png`),
  };
  await requireAbsent(files.images, force);
  await requireAbsent(files.sheet, force);
  const dataset = await openData(data, { split, limit });
  const { length, height, width, channels } = dataset;
  const labels = labelFile(dataset);
  const classes = new TextEncoder().encode(`${JSON.stringify(dataset.classNames)}\n`);
  await requireSame(files.labels, labels);
  await requireSame(files.classes, classes);
  await makeFolder(out);
  const images = await allSeverities(dataset, name, seed, output, signal);
  const shape = [5 * length, height, width, channels];
  await writing(writeFileAtomic(files.labels, labels));
  await writing(writeFileAtomic(files.classes, classes));
  await writing(writeFileAtomic(files.images, serializeNpy(tensorData('U8', shape, images))));
  await writing(writeFileAtomic(files.sheet, await contactSheet(dataset, images)));
  output.result(
    'proj.corrupt/1',
    { ...files, corruption: name, count: 5 * length, shape, seed },
    () =>
      `${files.images}: ${count(5 * length)} images, ${count(length)} for each severity, labels and class names beside it\n${files.sheet}: the first images, clean and at severities 1 to 5`,
  );
}

/** Labels of all five severities, one after another. */
function labelFile({ length, labels }: ImageDataset): Uint8Array {
  const all = Int32Array.from({ length: 5 * length }, (_, i) => labels[i % length]!);
  return serializeNpy(tensorData('I32', [5 * length], all));
}

/** uint8 [5 length, height, width, channels], severity by severity. */
async function allSeverities(
  dataset: ImageDataset,
  name: CorruptionName,
  seed: number,
  output: Output,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { corrupted, inMemory } = await import('@proj/recipes');
  const { length, height, width, channels } = dataset;
  const size = length * height * width * channels;
  const images = new Uint8Array(5 * size);
  const every = Uint32Array.from({ length }, (_, i) => i);
  const bar = output.progress('corrupting', 5 * length);
  try {
    for (const [turn, severity] of severities.entries()) {
      const progress = ({ count }: { count: number }) => bar.update(turn * length + count);
      const done = await inMemory(corrupted(dataset, { name, severity, seed }), { signal, progress });
      images.set(await done.images(every), turn * size);
    }
    return images;
  } finally {
    bar.end();
  }
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
