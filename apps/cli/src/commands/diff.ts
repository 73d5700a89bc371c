import {
  type Comparison,
  compareStates,
  cosineMatrices,
  type Difference,
  dequantize,
  isSignature,
  type Signature,
  signatureFromBytes,
  systemCompression,
} from '@proj/rws';
import type { StateDict } from '@proj/tensor-io';
import { readStateDict } from '@proj/tensor-io/node';
import { Command } from 'commander';
import { usageError } from '../exit.ts';
import { readInput } from '../files.ts';
import { table } from '../format.ts';
import type { GlobalOptions } from '../options.ts';
import { createOutput, type Output } from '../output.ts';

export function diffCommand(): Command {
  return new Command('diff')
    .description('how far apart two models or two signatures are; cosines among several signatures')
    .argument('<first>', 'a model or a signature')
    .argument('<second>', 'another one')
    .argument('[more...]', 'further signatures')
    .addHelpText(
      'after',
      '\nRelative difference: ||second - first|| / ||first||, of each tensor and of all of them.\n\nExamples:\n  proj diff clean.safetensors robust.safetensors\n  proj diff fog.rws.safetensors noise.rws.safetensors blur.rws.safetensors --json',
    )
    .action(async (first: string, second: string, more: string[], _: unknown, self: Command) => {
      const output = createOutput(self.optsWithGlobals<GlobalOptions>());
      const files = [first, second, ...more];
      const opened = await Promise.all(files.map(open));
      const signatures = opened.flatMap(({ signature }) => signature ?? []);
      if (signatures.length !== 0 && signatures.length !== files.length) {
        throw usageError('some of these are signatures and some are models; compare like with like.');
      }
      if (signatures.length === 0 && more.length > 0) {
        throw usageError('only signatures can be compared more than two at a time.');
      }
      const [a, b] = opened;
      if (more.length > 0) showMatrix(output, files, signatures);
      else showPair(output, files, compareStates(a!.state, b!.state));
    });
}

async function open(file: string): Promise<{ state: StateDict; signature?: Signature }> {
  const { state, metadata } = await readStateDict(file);
  if (!isSignature(metadata)) return { state };
  const signature = await signatureFromBytes(await readInput(file));
  return { state: dequantize(signature), signature };
}

function showPair(output: Output, files: readonly string[], { perTensor, global, left }: Comparison): void {
  const tensors = [...perTensor].map(([name, difference]) => ({ name, ...difference }));
  output.result('proj.diff/1', { files, tensors, global, left }, () =>
    [
      table(
        ['tensor', 'relative difference', 'cosine'],
        tensors.map((row) => [row.name, ...shown(row)]),
      ),
      ...left.map(({ name, reason }) => `not compared: ${name} (${reason})`),
      `all together: relative difference ${shown(global)[0]}, cosine ${shown(global)[1]}`,
    ].join('\n'),
  );
}

const number = (value: number | null): string => value?.toFixed(4) ?? '–';
const shown = ({ relativeDifference, cosine }: Difference): [string, string] => [
  number(relativeDifference),
  number(cosine),
];

function showMatrix(output: Output, files: readonly string[], signatures: readonly Signature[]): void {
  const { global, perTensor } = cosineMatrices(signatures);
  const system = systemCompression(signatures);
  const named = signatures.map(({ about }, i) => about.name ?? files[i]!);
  const result = { files, names: named, cosines: global, perTensor: Object.fromEntries(perTensor), system };
  output.result('proj.diff/1', result, () =>
    [
      'cosines:',
      table(
        ['', ...named],
        global.map((row, i) => [named[i]!, ...row.map(number)]),
      ),
      `${system.compression.toFixed(1)}x smaller: ${system.configuration}`,
    ].join('\n'),
  );
}
