import {
  type Application,
  isPatched,
  openPatched,
  patch,
  patchedMetadata,
  type Signature,
  signatureFromBytes,
} from '@proj/rws';
import { stateSha256 } from '@proj/tensor-io';
import { readSafetensors, writeSafetensors } from '@proj/tensor-io/node';
import { Command } from 'commander';
import { commandLine } from '../command-line.ts';
import { exitCode, exitCodeOf, usageError } from '../exit.ts';
import { readInput, requireWritable, writing } from '../files.ts';
import { count, table } from '../format.ts';
import type { GlobalOptions } from '../options.ts';
import { createOutput } from '../output.ts';

interface Options extends GlobalOptions {
  readonly out: string;
  readonly force?: boolean;
  readonly allowTransfer?: boolean;
}

export function patchCommand(): Command {
  return new Command('patch')
    .description('add signatures to a model; the file remembers how to take them off again')
    .argument('<model>', 'a model, patched already or not')
    .argument('<signature...>', 'signature files, each with an optional strength: fog.rws.safetensors@0.75')
    .requiredOption('--out <file>', 'the patched model')
    .option('--allow-transfer', 'apply to a model of the same architecture that was trained otherwise')
    .option('--force', 'replace an existing file')
    .addHelpText(
      'after',
      '\nWithout @ the strength is the recommended one of the signature, or 1.\n\nExamples:\n  proj patch clean.safetensors fog.rws.safetensors --out patched.safetensors\n  proj patch clean.safetensors fog.rws.safetensors@0.5 noise.rws.safetensors --out both.safetensors',
    )
    .action(async (file: string, signatures: string[], _: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const output = createOutput(options);
      await requireWritable(options.out, options.force);
      const { state, metadata } = await readSafetensors(file);
      const opened = isPatched(metadata) ? await openPatched(state, metadata) : { model: state, metadata };
      const applications: Application[] = [];
      for (const argument of signatures) applications.push(await application(argument));
      const model = await patch(opened.model, applications, {
        allowTransfer: options.allowTransfer === true,
      });
      await writing(
        writeSafetensors(options.out, model.state, await patchedMetadata(model, opened.metadata)),
      );
      const { report } = model;
      const applied = model.applied.map(({ signature, alpha, transferred }) => ({
        id: signature.id,
        name: signature.about.name,
        alpha,
        transferred,
      }));
      const sha256 = { before: await stateSha256(model.base), after: await stateSha256(model.state) };
      output.result('proj.patch/1', { file: options.out, applied, report, sha256 }, () =>
        [
          table(
            ['signature', 'strength', 'id'],
            applied.map(({ id, name, alpha }) => [name ?? '–', alpha, id.slice(0, 16)]),
          ),
          `${count(report.changed)} of ${count(report.elements)} values in ${report.tensors.length} tensors changed, by ${((100 * report.changeNorm) / report.baseNorm).toFixed(2)} % in norm`,
          `SHA-256 before ${sha256.before}`,
          `SHA-256 after  ${sha256.after}`,
          `take it off again: ${commandLine(['unpatch', options.out, '--out', 'restored.safetensors'])}`,
        ].join('\n'),
      );
    });
}

/** A signature file with the strength behind its last @, where a number is; other @ belong to the name. */
async function application(argument: string): Promise<Application> {
  const at = argument.lastIndexOf('@');
  const strength = at < 0 ? '' : argument.slice(at + 1).trim();
  const alpha = strength === '' ? Number.NaN : Number(strength);
  if (Number.isFinite(alpha)) return { signature: await readSignature(argument.slice(0, at)), alpha };
  const signature = await readSignature(argument).catch((error: unknown) => {
    if (at < 0 || exitCodeOf(error) !== exitCode.noInput) throw error;
    throw usageError(
      `there is no file ${argument}, and "${strength}" behind @ is no strength; it must be a number.`,
    );
  });
  return { signature, alpha: signature.about.recommendedAlpha ?? 1 };
}

const readSignature = async (file: string): Promise<Signature> => signatureFromBytes(await readInput(file));
