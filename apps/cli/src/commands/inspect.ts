import { readFile, stat } from 'node:fs/promises';
import {
  asksForRecalibration,
  inspect as inspectSignature,
  isSignature,
  type SignatureSummary,
  signatureFromBytes,
} from '@proj/rws';
import { type OpenSafetensors, stateSha256 } from '@proj/tensor-io';
import { openSafetensorsFile } from '@proj/tensor-io/node';
import { Command } from 'commander';
import { bytes, count, oneLine, table } from '../format.ts';
import { quantizationOf } from '../model-file.ts';
import type { GlobalOptions } from '../options.ts';
import { createOutput } from '../output.ts';

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('show what a safetensors file holds; reads only its header, and signatures whole')
    .argument('<file>', 'a model, signature or checkpoint')
    .option('--hash', 'also read every tensor and print the SHA-256 of the state')
    .option('--metadata', 'print the metadata values in full')
    .addHelpText(
      'after',
      '\nExamples:\n  proj inspect model.safetensors\n  proj inspect fog.rws.safetensors --json\n  proj inspect patched.safetensors --hash',
    )
    .action(inspect);
}

async function inspect(file: string, _: unknown, command: Command): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions & { hash?: boolean; metadata?: boolean }>();
  const output = createOutput(options);
  const open = await openSafetensorsFile(file);
  try {
    const tensors = open.names.map((name) => ({ name, ...open.info(name) }));
    const parameters = tensors.reduce(
      (sum, { shape }) => sum + shape.reduce((size, axis) => size * axis, 1),
      0,
    );
    const fileBytes = (await stat(file)).size;
    const sha256 = options.hash === true ? await stateSha256(await open.state()) : undefined;
    const metadata = Object.fromEntries(open.metadata);
    const signature = isSignature(open.metadata)
      ? inspectSignature(await signatureFromBytes(await readFile(file)))
      : undefined;
    const json = open.metadata.get('proj');
    const quantization = json === undefined ? undefined : await describeQuantization(json);
    const result = {
      file,
      fileBytes,
      parameters,
      sha256,
      signature,
      quantization: quantization?.quantization,
      metadata,
      tensors,
    };
    output.result('proj.inspect/1', result, () =>
      [
        table(
          ['tensor', 'dtype', 'shape', 'bytes'],
          tensors.map(({ name, dtype, shape, byteLength }) => [
            name,
            dtype,
            `[${shape.join(', ')}]`,
            count(byteLength),
          ]),
        ),
        ...(signature !== undefined && options.metadata !== true
          ? [describeSignature(signature)]
          : describeMetadata(open, options.metadata === true)),
        ...(quantization === undefined ? [] : [quantization.text]),
        `${count(tensors.length)} tensors, ${count(parameters)} values, ${bytes(fileBytes)}`,
        ...(sha256 === undefined ? [] : [`SHA-256 of the state: ${sha256}`]),
      ].join('\n'),
    );
  } finally {
    await open.close();
  }
}

function describeSignature(summary: SignatureSummary): string {
  const { id, about, packedBytes, payloadBytes, fileBytes, compression, configuration } = summary;
  const { name = 'unnamed', corruption, severity, recommendedAlpha } = about;
  const of = corruption === undefined ? '' : ` of ${corruption}, severity ${severity ?? 'unknown'}`;
  const strength = recommendedAlpha === undefined ? '' : `, recommended strength ${recommendedAlpha}`;
  return [
    `signature ${oneLine(name)}${oneLine(of)}${strength}; id ${id}`,
    `${compression.toFixed(1)}x smaller than the model: ${configuration}`,
    `of its ${bytes(fileBytes)}, values take ${bytes(payloadBytes)} (${bytes(packedBytes)} without entropy coding), names and fingerprints the rest`,
    ...(asksForRecalibration(summary.batchNorm)
      ? ['after patching, batch norm must be recalibrated on corrupted images']
      : []),
  ].join('\n');
}

async function describeQuantization(json: string) {
  const quantization = await quantizationOf(json);
  if (quantization === undefined) return undefined;
  const { design, packed } = quantization;
  const plan = Object.entries(design.plan).map(([rule, bits]) => `${rule} ${bits}`);
  const what = packed ? 'codes of bits and their scales' : 'the latent weights of a training';
  const text = `quantized: ${what}; ${oneLine(plan.join(', '))}; weights by ${design.weights}, ${design.attention} attention`;
  return { quantization, text };
}

function describeMetadata({ metadata }: OpenSafetensors, full: boolean): string[] {
  return [...metadata].map(([key, value]) => {
    const shown =
      full || value.length <= 200
        ? value
        : `${value.slice(0, 200)}… (${count(value.length)} characters; --metadata shows all)`;
    return `metadata ${oneLine(key)}: ${oneLine(shown)}`;
  });
}
