import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateSha256, toFloat16 } from '@proj/tensor-io';
import { readSafetensors, writeSafetensors } from '@proj/tensor-io/node';
import { BenchError } from '../error.ts';
import type { Outcome } from '../experiment.ts';
import { openModel } from '../tasks/model.ts';
import { PACKED_FILE } from '../tasks/quantize-config.ts';
import { trainClassifier } from '../tasks/train-classifier.ts';
import { type CifarSettings, casesOf } from './cifar.ts';
import { formatted, wilson } from './intervals.ts';
import type { MethodKey } from './methods.ts';
import { type Evaluated, StudyResults } from './results.ts';

export interface ExportedModel {
  readonly file: string;
  readonly what: string;
  readonly bytes: number;
  /** `stateSha256` of what the file holds. */
  readonly sha256: string;
  readonly evaluated: Evaluated;
}

const method: MethodKey = 'ofq';
const exportedBits: readonly number[] = [4, 2];

/**
 * Writes the float model of the study's first seed as float16 and its OFQ models of 4 and 2 bits, those that the study has, as packed files, with a README that names
 * the commands that made them.
 *
 * @throws {BenchError} BENCH_UNKNOWN for models that are not done.
 */
export async function exportModels(
  outcome: Pick<Outcome<CifarSettings>, 'settings' | 'of'>,
  folder: string,
  commands: readonly string[],
): Promise<ExportedModel[]> {
  const { settings } = outcome;
  const results = new StudyResults(outcome);
  const seed = settings.seeds[0]!;
  const float = outcome.of(trainClassifier).find((one) => one.seed === seed);
  const floatAt = results.evaluated('float', seed);
  const cases = casesOf(settings).filter(
    (one) => one.method.key === method && one.seed === seed && exportedBits.includes(one.bits),
  );
  if (float === undefined || floatAt === undefined) throw missing('the float model');
  await mkdir(folder, { recursive: true });

  const { state, metadata } = await openModel(float);
  const name = 'cifar10-vit';
  const half = `${name}.f16.safetensors`;
  await writeSafetensors(join(folder, half), toFloat16(state), metadata);
  const models = [await exported(folder, half, 'float16', floatAt)];
  for (const { method, bits } of cases.toSorted((a, b) => b.bits - a.bits)) {
    const one = results.quantized(method, bits, seed);
    const at = results.evaluated(one, seed);
    if (one === undefined || at === undefined) throw missing(`W${bits}A${bits} of OFQ`);
    const file = `${name}.w${bits}a${bits}.ofq.safetensors`;
    await copyFile(one.file(PACKED_FILE), join(folder, file));
    models.push(await exported(folder, file, `W${bits}A${bits}, OFQ`, at));
  }
  await writeFile(join(folder, 'README.md'), readme(models, settings, commands));
  return models;
}

const missing = (what: string): BenchError =>
  new BenchError('BENCH_UNKNOWN', `${what} is not done yet, or its file was not kept; run the study first.`);

async function exported(
  folder: string,
  file: string,
  what: string,
  evaluated: Evaluated,
): Promise<ExportedModel> {
  const path = join(folder, file);
  const { state } = await readSafetensors(path);
  return { file, what, bytes: (await stat(path)).size, sha256: await stateSha256(state), evaluated };
}

function readme(
  models: readonly ExportedModel[],
  { embedDim, depth, heads, patchSize, seeds, testImages }: CifarSettings,
  commands: readonly string[],
): string {
  const count = (value: number) => value.toLocaleString('en-US');
  const rows = models.map(({ file, what, bytes, sha256, evaluated: { result } }) => {
    const top1 = formatted(wilson(result.right, result.images));
    return `| [${file}](${file}) | ${what} | ${count(bytes)} | ${top1} | \`${sha256.slice(0, 16)}\` |`;
  });
  return `# Small models for CIFAR-10

A vision transformer of ${depth} blocks of width ${embedDim} with ${heads} heads and patches of ${patchSize} × ${patchSize}, trained here from nothing, and what oscillation-free
quantization made of it: seed ${seeds[0]} of the study ([results](../docs/results/ofq-cifar10/report.md)). Patch embedding and head of the quantized
models have 8 bits. The packed form is described in [FORMAT.md](../packages/vit/FORMAT.md).

| file | what | bytes | top-1 on ${count(testImages)} test images, % (95 % interval) | SHA-256 of its tensors |
| ---- | ---- | ----: | ---: | ---- |
${rows.join('\n')}

Made by

\`\`\`sh
${commands.join('\n')}
\`\`\`
`;
}
